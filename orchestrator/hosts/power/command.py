"""``power: {command: …}``: a local command that power-cycles the machine, for example by a switched PDU."""

from __future__ import annotations

from typing import Any

from orchestrator.hosts import programs
from orchestrator.hosts.power import Power


class CommandPower(Power):
    """A shell command, or a list of arguments. Keep passwords in a file that the command reads."""

    name = "command"

    def __init__(self, value: Any) -> None:
        self._argv = programs.argv_of(value)

    def cycle(self) -> None:
        """Run the command; it must exit with 0 within 120 s."""
        programs.run(self._argv)
