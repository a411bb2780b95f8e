"""Remote commands as data, so that a dry run prints exactly what a run executes."""

from __future__ import annotations

import shlex

from msgspec import Struct
from msgspec.structs import replace

from orchestrator.captured import MOST_OUTPUT
from orchestrator.units import plural

DEFAULT_TIME_LIMIT_S = 60.0
LONGEST_ARGUMENT = 200
MOST_OF_FILE = 2 * 1024**3
"""Bytes that a command prints at most that prints the content of a file."""


class Command(Struct, frozen=True):
    """One command for a host.

    :ivar argv: program and arguments, passed unchanged.
    :ivar sudo: run as root by sudo; ignored where the user is root.
    :ivar time_limit: seconds after which :class:`~orchestrator.errors.CommandFailed` is raised.
    :ivar accept: exit codes that are not an error.
    :ivar stdin: bytes for the command's stdin, if any.
    :ivar most: bytes that it may print on stdout; after more, ``CommandFailed`` is raised.
    """

    argv: tuple[str, ...]
    sudo: bool = False
    time_limit: float = DEFAULT_TIME_LIMIT_S
    accept: tuple[int, ...] = (0,)
    stdin: bytes | None = None
    most: int = MOST_OUTPUT

    @property
    def line(self) -> str:
        """The command as one line for a POSIX shell."""
        prefix = ("sudo", "-n", "--") if self.sudo else ()
        return shlex.join((*prefix, *self.argv))

    @property
    def shown(self) -> str:
        """The command in one line, for messages; long arguments are cut."""
        words = [
            word if len(word) <= LONGEST_ARGUMENT else f"{word[:LONGEST_ARGUMENT]}…" for word in self.argv
        ]
        short = replace(self, argv=tuple(" ".join(word.split()) for word in words))
        return str(short)

    def __str__(self) -> str:
        return self.line if self.stdin is None else f"{self.line}  < {plural(len(self.stdin), 'byte')}"


def script(
    text: str,
    *arguments: str,
    sudo: bool = False,
    time_limit: float = DEFAULT_TIME_LIMIT_S,
    accept: tuple[int, ...] = (0,),
    stdin: bytes | None = None,
) -> Command:
    """Return a command that runs ``text`` in a POSIX shell, with ``arguments`` as ``$1``, ``$2`` …."""
    return Command(("sh", "-c", text, "sh", *arguments), sudo, time_limit, accept, stdin)


class Completed(Struct, frozen=True):
    """A finished command: exit code, stdout and stderr (UTF-8; invalid bytes are replaced)."""

    command: Command
    exit_code: int
    stdout: str
    stderr: str
