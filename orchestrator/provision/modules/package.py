"""``package``: software of the distribution, by apt, dnf or zypper. It stays when the run is over."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from orchestrator.documents.document import Node
from orchestrator.errors import HostError
from orchestrator.hosts.command import Command, script
from orchestrator.provision.module import Context, Difference, Module, ReadOutput, TaskPlan

INSTALL_LIMIT_S = 1800.0
_NAME = {"title": "the name of a package", "type": "string", "pattern": "^[A-Za-z0-9][A-Za-z0-9+._:-]*$"}
_NAMES = {
    "title": "the name of a package, or a list of names",
    "anyOf": [_NAME, {"type": "array", "items": _NAME}],
}
MANAGERS = ("apt", "dnf", "zypper")

_DO: Mapping[tuple[str, str], str] = {
    ("apt", "present"): "DEBIAN_FRONTEND=noninteractive; export DEBIAN_FRONTEND\n"
    'apt-get install -y --no-install-recommends "$@" >&2 ||\n'
    '    { apt-get update >&2 && apt-get install -y --no-install-recommends "$@" >&2; }',
    ("apt", "absent"): 'DEBIAN_FRONTEND=noninteractive; export DEBIAN_FRONTEND\napt-get remove -y "$@" >&2',
    ("dnf", "present"): 'dnf install -y "$@" >&2',
    ("dnf", "absent"): 'dnf remove -y "$@" >&2',
    ("zypper", "present"): 'zypper --non-interactive install "$@" >&2',
    ("zypper", "absent"): 'zypper --non-interactive remove "$@" >&2',
}


class Package(Module):
    """``package: {name: [make, gcc]}``; names may differ: ``name: {apt: linux-perf, dnf: perf}``."""

    name = "package"
    needs_root: ClassVar[bool] = True
    arguments: Mapping[str, Any] = {
        "type": "object",
        "additionalProperties": False,
        "required": ["name"],
        "properties": {
            "name": {
                "description": "A name, a list of names, or either by package manager.",
                "title": "names of packages, or names by apt, dnf and zypper",
                "anyOf": [
                    *_NAMES["anyOf"],
                    {
                        "type": "object",
                        "additionalProperties": False,
                        "minProperties": 1,
                        "properties": dict.fromkeys(MANAGERS, _NAMES),
                    },
                ],
            },
            "state": {"description": "Default: present.", "enum": ["present", "absent"]},
        },
    }

    def read(self, context: Context, arguments: Node) -> Command:
        """Which manager there is, and what is installed."""
        return context.probe("packages", accept=(0, 1))

    def plan(self, context: Context, arguments: Node, answer: ReadOutput) -> TaskPlan:
        """What is missing, or too much."""
        data = arguments.data()
        manager = answer.fields.get("manager", "" if context.host.answers else "apt")
        if not manager:
            raise HostError("no package manager that we know (apt, dnf, zypper)")
        names = _names(data["name"], manager)
        installed = set(answer.lines[1:])
        state = data.get("state", "present")
        wrong = [name for name in names if (name.partition(":")[0] in installed) != (state == "present")]
        differences = tuple(
            Difference(f"package {name}", "absent" if state == "present" else "present", state)
            for name in wrong
        )
        if not wrong:
            return TaskPlan(note=f"{manager}: {', '.join(names)}")
        command = script(_DO[manager, state], *wrong, sudo=context.become, time_limit=INSTALL_LIMIT_S)
        return TaskPlan(differences, (command,))


def _names(given: Any, manager: str) -> Sequence[str]:
    if isinstance(given, dict):
        if manager not in given:
            raise HostError(f"the task names no packages for {manager}, which this host has")
        given = given[manager]
    return given if isinstance(given, list) else [given]


MODULES = (Package(),)
