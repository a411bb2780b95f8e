"""A remote command as data, so that a dry run prints the very thing that a run executes."""

from __future__ import annotations

import shlex
from dataclasses import dataclass

DEFAULT_TIME_LIMIT_S = 60.0


@dataclass(frozen=True, slots=True)
class Command:
    """One command for a host.

    :ivar argv: program and arguments; never interpreted by a shell on the way.
    :ivar sudo: run as root; nothing happens where the connection is root already.
    :ivar time_limit: seconds after which it is ended and :class:`~orchestrator.errors.CommandFailed` is raised.
    :ivar accept: exit codes that are not an error.
    :ivar stdin: text fed to the command, if any.
    """

    argv: tuple[str, ...]
    sudo: bool = False
    time_limit: float = DEFAULT_TIME_LIMIT_S
    accept: tuple[int, ...] = (0,)
    stdin: str | None = None

    @property
    def shell(self) -> str:
        """The command as one line that a POSIX shell executes unchanged."""
        return shlex.join(self.argv)

    def __str__(self) -> str:
        return f"sudo {self.shell}" if self.sudo else self.shell


def shell(script: str, *arguments: str, **options: object) -> Command:
    """Make a command that runs ``script`` in a POSIX shell with ``$1``… set to ``arguments``."""
    return Command(("sh", "-c", script, "sh", *arguments), **options)  # type: ignore[arg-type]


@dataclass(frozen=True, slots=True)
class Completed:
    """What became of a command: its exit code and what it printed (decoded, faulty bytes replaced)."""

    command: Command
    exit_code: int
    stdout: str
    stderr: str
