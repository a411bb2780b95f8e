"""``service``: start, stop, enable or disable units of systemd. The run restores the previous state."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from msgspec.structs import replace

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
    arguments: Mapping[str, Any] = {
        "type": "object",
        "additionalProperties": False,
        "required": ["name"],
        "properties": {
            "name": {
                "description": "Its name, or a list of names; the default suffix is .service.",
                "title": "the name of a unit, or a list of names",
                "anyOf": [_UNIT, {"type": "array", "items": _UNIT}],
            },
            "state": {
                "description": "started and stopped are restored; restarted and reloaded run each time.",
                "enum": ["started", "stopped", "restarted", "reloaded"],
            },
            "enabled": {"description": "Whether it starts at boot; restored.", "type": "boolean"},
            "required": {
                "description": "false skips units that do not exist. Default: true.",
                "type": "boolean",
            },
        },
    }

    def settings(self, arguments: Node) -> Iterator[Setting]:
        """Return up to two settings for each unit: whether it is active, and whether it is enabled."""
        data = arguments.data()
        optional = data.get("required") is False
        for unit in _units(data):
            if data.get("state") in ("started", "stopped"):
                value = "active" if data["state"] == "started" else "inactive"
                yield Setting(f"service:{unit}", value, optional)
            if "enabled" in data:
                yield Setting(f"enabled:{unit}", "enabled" if data["enabled"] else "disabled", optional)

    def plan(self, context: Context, arguments: Node, output: ReadOutput) -> TaskPlan:
        """Compare the settings, and add a restart or reload if requested."""
        plan = super().plan(context, arguments, output)
        restart = _restart_command(context, arguments)
        if restart is None:
            return plan
        data = arguments.data()
        restarts = tuple(
            Difference(f"service:{unit}", f"not {data['state']}", data["state"]) for unit in _units(data)
        )
        return replace(plan, differences=(*plan.differences, *restarts), actions=(*plan.actions, restart))

    def apply(self, context: Context, arguments: Node, plan: TaskPlan) -> Mapping[str, Any]:
        """Change the settings, then restart or reload."""
        restart = _restart_command(context, arguments)
        settings = tuple(action for action in plan.actions if action != restart)
        result: dict[str, Any] = {}
        if settings:
            result.update(super().apply(context, arguments, replace(plan, actions=settings)))
        if restart is not None:
            context.host.run(restart)
            result.update(changed=True, differences=plan.differences)
        return result


def _restart_command(context: Context, arguments: Node) -> Command | None:
    """Return the command that restarts or reloads the units; None if neither is requested."""
    data = arguments.data()
    verb = {"restarted": "restart", "reloaded": "reload"}.get(data.get("state", ""))
    if verb is None:
        return None
    return Command(("systemctl", verb, "--", *_units(data)), sudo=context.become, time_limit=_LIMIT_S)


def _units(data: Mapping[str, Any]) -> list[str]:
    names = data["name"] if isinstance(data["name"], list) else [data["name"]]
    return [name if "." in name else f"{name}.service" for name in names]


MODULES = (Service(),)
