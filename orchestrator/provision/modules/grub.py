"""``grub``: add parameters to the kernel command line, from the next boot on. They are not restored.

With ``update-grub`` (Debian and its derivatives) the parameters are written to a file in ``/etc/default/grub.d``. With
``grubby`` (Fedora and its derivatives) that adds them. Then every entry of the boot menu is verified.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from orchestrator.documents.document import Node
from orchestrator.errors import HostError
from orchestrator.hosts.command import Command
from orchestrator.provision.module import Caution, Context, Difference, Module, ReadOutput, TaskPlan, Upload

DROP_IN = "/etc/default/grub.d/90-orchestrate.cfg"
RENDER_LIMIT_S = 300.0


class Grub(Module):
    """``grub: {command_line: [transparent_hugepage=madvise, nosmt]}``; ``reboot_needed`` is in its result."""

    name = "grub"
    cautions: ClassVar[tuple[Caution, ...]] = ("reboot",)
    needs_root: ClassVar[bool] = True
    arguments: Mapping[str, Any] = {
        "type": "object",
        "additionalProperties": False,
        "required": ["command_line"],
        "properties": {
            "command_line": {
                "description": "Parameters of the command line; an empty list removes those that were added before.",
                "type": "array",
                "uniqueItems": True,
                "items": {
                    "title": "a parameter without white space, quotes, '$' or '\\'",
                    "type": "string",
                    "pattern": "^[^\\s\"'$`\\\\]+$",
                },
            }
        },
    }

    def read(self, context: Context, arguments: Node) -> Command:
        """Read the parameters that were added before, and those of each entry of the boot menu."""
        return context.probe("grub", DROP_IN, sudo=context.become)

    def plan(self, context: Context, arguments: Node, output: ReadOutput) -> TaskPlan:
        """Add parameters that an entry lacks; remove those that were added before and are no longer requested."""
        requested: list[str] = arguments.data()["command_line"]
        tool = output.fields.get("how", "" if context.host.executes else "grub.d")
        if not tool:
            raise HostError("could not find update-grub or grubby")
        entries = [line.split()[2:] for line in output.lines if line.startswith("entry ")]
        added = output.fields.get("words", "").split()
        missing = [word for word in requested if not entries or any(word not in entry for entry in entries)]
        stale = [word for word in added if word not in requested]
        running = output.fields.get("running", "").split()
        result: dict[str, Any] = {"reboot_needed": any(word not in running for word in requested)}
        differences = (
            *(Difference(f"kernel command line: {word}", "absent", "present") for word in missing),
            *(Difference(f"kernel command line: {word}", "present", "absent") for word in stale),
        )
        if not differences:
            return TaskPlan(result=result)
        return TaskPlan(differences, tuple(_actions(tool, requested, context.become)), result)


def _actions(tool: str, words: list[str], sudo: bool) -> list[Command | Upload]:
    if tool == "grubby":
        add = ("grubby", "--update-kernel=ALL", f"--args={' '.join(words)}")
        return [Command(add, sudo, time_limit=RENDER_LIMIT_S)]
    line = " ".join(words)
    content = f'# Written by orchestrate.\n# words: {line}\nGRUB_CMDLINE_LINUX="$GRUB_CMDLINE_LINUX {line}"\n'
    upload = Upload(content.encode(), DROP_IN, 0o644, sudo)
    return [upload, Command(("update-grub",), sudo, time_limit=RENDER_LIMIT_S)]


MODULES = (Grub(),)
