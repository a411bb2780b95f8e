"""``command``: a program that is run as it stands, unless a file that it makes is there already."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from orchestrator.hosts.command import Command
from orchestrator.provision.tasks import Context, Module, Outcome


def apply(context: Context, arguments: Mapping[str, Any]) -> Outcome:
    """Run ``argv``; ``creates`` names a file on the host whose presence makes that needless."""
    creates = arguments.get("creates")
    if creates and context.host.run(Command(("test", "-e", creates), accept=(0, 1))).exit_code == 0:
        return Outcome(False, f"{creates} is there")
    context.host.run(
        Command(
            tuple(arguments["argv"]),
            sudo=bool(arguments.get("become", False)),
            time_limit=float(arguments.get("time_limit", 60)),
        )
    )
    return Outcome(True, " ".join(arguments["argv"]))


MODULE = Module(
    name="command",
    arguments={
        "type": "object",
        "additionalProperties": False,
        "required": ["argv"],
        "properties": {
            "argv": {"type": "array", "minItems": 1, "items": {"type": "string"}},
            "creates": {"type": "string", "description": "Do nothing where this file exists on the host."},
            "become": {"type": "boolean", "description": "Run as root."},
            "time_limit": {"type": "number", "description": "Seconds; 60 if not given."},
        },
    },
    apply=apply,
)
