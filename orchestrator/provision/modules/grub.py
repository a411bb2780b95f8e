"""``grub``: words of the kernel's command line, from the next boot on. They stay when the run is over.

Where GRUB reads ``/etc/default/grub.d`` (Debian and its kin) a file of ours there adds them; where there is ``grubby``
(Fedora and its kin) that does. What was rendered is read back: every entry of the menu must have the words.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from orchestrator.documents.document import Node
from orchestrator.errors import HostError
from orchestrator.hosts.command import Command
from orchestrator.provision.module import Context, Difference, Module, ReadOutput, TaskPlan, Upload

DROP_IN = "/etc/default/grub.d/90-orchestrate.cfg"
RENDER_LIMIT_S = 300.0


class Grub(Module):
    """``grub: {command_line: [transparent_hugepage=madvise, nosmt]}``; ``reboot_needed`` is in its result."""

    name = "grub"
    needs_root: ClassVar[bool] = True
    arguments: Mapping[str, Any] = {
        "type": "object",
        "additionalProperties": False,
        "required": ["command_line"],
        "properties": {
            "command_line": {
                "description": "Words that the command line shall have; an empty list takes ours away.",
                "type": "array",
                "uniqueItems": True,
                "items": {
                    "title": "a word without white space, quotes, '$' or '\\'",
                    "type": "string",
                    "pattern": "^[^\\s\"'$`\\\\]+$",
                },
            }
        },
    }

    def read(self, context: Context, arguments: Node) -> Command:
        """Our words, and those of each entry."""
        return context.probe("grub", DROP_IN, sudo=context.become)

    def plan(self, context: Context, arguments: Node, answer: ReadOutput) -> TaskPlan:
        """The words that entries lack, and those of ours that are no longer asked for."""
        words: list[str] = arguments.data()["command_line"]
        how = answer.fields.get("how", "" if context.host.answers else "grub.d")
        if not how:
            raise HostError("no GRUB that we know how to render (update-grub or grubby)")
        entries = [line.split()[2:] for line in answer.lines if line.startswith("entry ")]
        ours = answer.fields.get("words", "").split()
        lacking = [word for word in words if not entries or any(word not in entry for entry in entries)]
        stale = [word for word in ours if word not in words]
        running = answer.fields.get("running", "").split()
        result: dict[str, Any] = {"reboot_needed": any(word not in running for word in words)}
        differences = (
            *(Difference(f"kernel command line: {word}", "absent", "present") for word in lacking),
            *(Difference(f"kernel command line: {word}", "present", "absent") for word in stale),
        )
        if not differences:
            return TaskPlan(result=result)
        return TaskPlan(differences, tuple(_actions(how, words, context.become)), result)


def _actions(how: str, words: list[str], sudo: bool) -> list[Command | Upload]:
    if how == "grubby":
        add = ("grubby", "--update-kernel=ALL", f"--args={' '.join(words)}")
        return [Command(add, sudo, time_limit=RENDER_LIMIT_S)]
    line = " ".join(words)
    content = f'# Written by orchestrate.\n# words: {line}\nGRUB_CMDLINE_LINUX="$GRUB_CMDLINE_LINUX {line}"\n'
    upload = Upload(content.encode(), DROP_IN, 0o644, sudo)
    return [upload, Command(("update-grub",), sudo, time_limit=RENDER_LIMIT_S)]


MODULES = (Grub(),)
