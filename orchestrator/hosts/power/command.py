"""``power: {command: …}``: a command of this machine cycles the power, such as that of a switched socket."""

from __future__ import annotations

from typing import Any

from orchestrator.hosts import programs
from orchestrator.hosts.power import Power


class CommandPower(Power):
    """A line for a shell, or a list of words. Passwords belong into a file that the command reads."""

    name = "command"

    def __init__(self, value: Any) -> None:
        self._argv = programs.argv_of(value)

    def cycle(self) -> None:
        """Run the command; its exit code must be 0 within two minutes."""
        programs.run(self._argv)
