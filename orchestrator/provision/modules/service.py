"""``service``: units of systemd that run or rest, for the length of the run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, ClassVar

from orchestrator.documents.document import Node
from orchestrator.experiment.model import Setting
from orchestrator.hosts.command import Command
from orchestrator.provision.module import Context, Difference, ReadOutput, TaskPlan
from orchestrator.provision.settings import SettingsModule

_UNIT = {"title": "the name of a unit", "type": "string", "pattern": "^[A-Za-z0-9][A-Za-z0-9:_.@\\\\-]*$"}
_LIMIT_S = 120.0


class Service(SettingsModule):
    """``service: {name: [cron.service, apt-daily.timer], state: stopped, required: false}``."""

    name = "service"
    arguments: ClassVar[dict[str, Any]] = {
        "type": "object",
        "additionalProperties": False,
        "required": ["name"],
        "properties": {
            "name": {
                "description": "Its name, or a list of names; without a suffix: a .service.",
                "title": "the name of a unit, or a list of names",
                "anyOf": [_UNIT, {"type": "array", "items": _UNIT}],
            },
            "state": {
                "description": "started and stopped are put back; restarted and reloaded happen each time.",
                "enum": ["started", "stopped", "restarted", "reloaded"],
            },
            "enabled": {"description": "Whether it starts at boot; put back.", "type": "boolean"},
            "required": {
                "description": "false passes over units that are not there. Default: true.",
                "type": "boolean",
            },
        },
    }

    def settings(self, arguments: Node) -> Iterator[Setting]:
        """Up to two for each unit: whether it runs, whether it starts at boot."""
        data = arguments.data()
        optional = data.get("required") is False
        for unit in _units(data):
            if data.get("state") in ("started", "stopped"):
                value = "active" if data["state"] == "started" else "inactive"
                yield Setting(f"service:{unit}", value, optional)
            if "enabled" in data:
                yield Setting(f"enabled:{unit}", "enabled" if data["enabled"] else "disabled", optional)

    def plan(self, context: Context, arguments: Node, answer: ReadOutput) -> TaskPlan:
        """What differs, and a restart or reload where that is asked for."""
        plan = super().plan(context, arguments, answer)
        data = arguments.data()
        if data.get("state") not in ("restarted", "reloaded"):
            return plan
        verb = "restart" if data["state"] == "restarted" else "reload"
        units = _units(data)
        command = Command(("systemctl", verb, "--", *units), sudo=context.become, time_limit=_LIMIT_S)
        told = tuple(Difference(f"service:{unit}", "as it is", data["state"]) for unit in units)
        return replace(plan, differences=(*plan.differences, *told), actions=(*plan.actions, command))

    def apply(self, context: Context, arguments: Node, plan: TaskPlan) -> Mapping[str, Any]:
        """Set what is to be set, then restart."""
        settings = [action for action in plan.actions if "settings.sh" in str(action)]
        result: dict[str, Any] = {}
        if settings:
            result.update(super().apply(context, arguments, replace(plan, actions=tuple(settings))))
        for action in plan.actions:
            if action not in settings:
                assert isinstance(action, Command)
                context.host.run(action)
                result.update(changed=True, differences=plan.differences)
        return result


def _units(data: Mapping[str, Any]) -> list[str]:
    names = data["name"] if isinstance(data["name"], list) else [data["name"]]
    return [name if "." in name else f"{name}.service" for name in names]


MODULE = Service()
