"""``package``: install or remove packages with apt, dnf or zypper. They are not restored."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from orchestrator.documents.document import Node
from orchestrator.errors import HostError
from orchestrator.hosts.command import Command, script
from orchestrator.provision.module import Caution, Context, Difference, Module, ReadOutput, TaskPlan

INSTALL_LIMIT_S = 1800.0
_NAME = {"title": "the name of a package", "type": "string", "pattern": "^[A-Za-z0-9][A-Za-z0-9+._:-]*$"}
_NAMES = {
    "title": "the name of a package, or a list of names",
    "anyOf": [_NAME, {"type": "array", "items": _NAME}],
}
MANAGERS = ("apt", "dnf", "zypper")

_SCRIPTS: Mapping[tuple[str, str], str] = {
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
    """``package: {name: [make, gcc]}``, or names by package manager: ``name: {apt: linux-perf, dnf: perf}``."""

    name = "package"
    cautions: ClassVar[tuple[Caution, ...]] = ("download",)
    needs_root: ClassVar[bool] = True
    arguments: Mapping[str, Any] = {
        "type": "object",
        "additionalProperties": False,
        "required": ["name"],
        "properties": {
            "name": {
                "description": "A name or a list of names, or these by package manager.",
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
        """Read the name of the package manager and the installed packages."""
        return context.probe("packages", accept=(0, 1))

    def plan(self, context: Context, arguments: Node, output: ReadOutput) -> TaskPlan:
        """Plan to install missing packages, or to remove present ones; ``HostError`` without a package manager."""
        data = arguments.data()
        manager = output.fields.get("manager", "" if context.host.executes else "apt")
        if not manager:
            raise HostError("could not find a supported package manager (apt, dnf, zypper)")
        names = _names(data["name"], manager)
        installed = set(output.lines[1:])
        state = data.get("state", "present")
        to_change = [name for name in names if (name.partition(":")[0] in installed) != (state == "present")]
        differences = tuple(
            Difference(f"package {name}", "absent" if state == "present" else "present", state)
            for name in to_change
        )
        if not to_change:
            return TaskPlan(note=f"{manager}: {', '.join(names)}")
        command = script(
            _SCRIPTS[manager, state], *to_change, sudo=context.become, time_limit=INSTALL_LIMIT_S
        )
        return TaskPlan(differences, (command,))


def _names(argument: Any, manager: str) -> Sequence[str]:
    if isinstance(argument, dict):
        if manager not in argument:
            raise HostError(f"no package names for {manager}, the package manager of this host")
        argument = argument[manager]
    return argument if isinstance(argument, list) else [argument]


MODULES = (Package(),)
