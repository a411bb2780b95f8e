"""``shell``: run a script with the host's POSIX shell."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from orchestrator.provision.commands import OPTIONS, CommandModule
from orchestrator.provision.module import Caution


class Shell(CommandModule):
    """``shell: "echo $HOME > home"``, or ``shell: {cmd: …, creates: …}``."""

    name = "shell"
    cautions: ClassVar[tuple[Caution, ...]] = ("shell",)
    arguments: Mapping[str, Any] = {
        "title": "a script, or cmd with options",
        "anyOf": [
            {"title": "a script", "type": "string", "minLength": 1},
            {
                "type": "object",
                "additionalProperties": False,
                "required": ["cmd"],
                "properties": {
                    "cmd": {"description": "The script.", "type": "string", "minLength": 1},
                    **OPTIONS,
                },
            },
        ],
    }

    def argv(self, data: Any) -> tuple[str, ...]:
        """Return the shell with the script."""
        return ("sh", "-c", data if isinstance(data, str) else data["cmd"])


MODULES = (Shell(),)
