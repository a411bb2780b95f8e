"""``command``: run a program without a shell."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping
from typing import Any

from orchestrator.documents.document import Node
from orchestrator.experiment.model import Role
from orchestrator.provision.commands import OPTIONS, CommandModule
from orchestrator.provision.templates import is_template


class RunCommand(CommandModule):
    """``command: make install``, or ``command: {argv: [make, install], creates: /usr/local/bin/x}``."""

    name = "command"
    arguments: Mapping[str, Any] = {
        "title": "a command line, or argv with options",
        "anyOf": [
            {"title": "a command line", "type": "string", "minLength": 1},
            {
                "type": "object",
                "additionalProperties": False,
                "required": ["argv"],
                "properties": {
                    "argv": {
                        "description": "Program and arguments.",
                        "type": "array",
                        "minItems": 1,
                        "items": {"title": "a word", "type": ["string", "number"]},
                    },
                    **OPTIONS,
                },
            },
        ],
    }

    def faults(self, role: Role, arguments: Node) -> Iterable[tuple[Node, str]]:
        """A command line must have balanced quotes."""
        if isinstance(arguments.content, str) and not is_template(arguments.content):
            try:
                shlex.split(arguments.content)
            except ValueError as error:
                yield arguments, f"invalid command line: {error}"

    def argv(self, data: Any) -> tuple[str, ...]:
        """Return the words of the command line, or the list."""
        if isinstance(data, str):
            return tuple(shlex.split(data))
        return tuple(str(word) for word in data["argv"])


MODULES = (RunCommand(),)
