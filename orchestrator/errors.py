"""Errors that the user can fix, each with an exit code.

These errors are printed as plain lines, without a traceback. Any other exception is a bug, and ends the program with
:attr:`ExitCode.BUG` (``EX_SOFTWARE`` of sysexits.h).
"""

from __future__ import annotations

import re
from enum import IntEnum
from typing import ClassVar, NamedTuple

LONGEST_LINE = 2000
"""Characters of a line of a message. What messages quote, files and hosts, may be of any length."""

_LINE_ENDS = re.compile(r"[\n\r\v\f\x1c-\x1e\x85\u2028\u2029]")


class ExitCode(IntEnum):
    """Exit codes of ``orchestrate``. They are a stable interface."""

    OK = 0
    TRIALS_NOT_OK = 1
    BAD_INPUT = 2
    HOST = 3
    KERNEL = 4
    REGRESSION = 5
    NOT_JUDGED = 6
    BUG = 70
    INTERRUPTED = 130


class OrchestratorError(Exception):
    """Base class of all errors; ``str(error)`` is the message for the user.

    Each of ``messages`` is one line of it, of bounded length: what a host or a file says cannot add lines of its own.
    """

    exit_code: ClassVar[ExitCode] = ExitCode.BAD_INPUT

    def __init__(self, *messages: str) -> None:
        super().__init__("\n".join(map(one_line, messages)))

    @property
    def lines(self) -> list[str]:
        """The lines of the message."""
        return str(self).split("\n")


def one_line(text: str) -> str:
    """Return a message as one line of bounded length: line ends as in Python; of a longer one its start and its end."""
    text = _LINE_ENDS.sub(lambda found: found[0].encode("unicode_escape").decode(), text)
    half = LONGEST_LINE // 2 - 1
    return text if len(text) <= LONGEST_LINE else f"{text[:half]}…{text[-half:]}"


class Fault(NamedTuple):
    """One fault of an input file: its position and a message.

    ``line`` and ``column`` count from 1; line 0 means the whole file.
    """

    file: str
    line: int
    column: int
    message: str

    def __str__(self) -> str:
        position = f"{self.file}:{self.line}:{self.column}" if self.line else self.file
        return one_line(f"{position}: {self.message}")


class Position(NamedTuple):
    """A position in a file; ``line`` and ``column`` count from 1. Line 0 is the whole file, or an option."""

    file: str
    line: int = 0
    column: int = 0

    def fault(self, message: str) -> Fault:
        """Return a fault at this position."""
        return Fault(self.file, self.line, self.column, message)


class BadInput(OrchestratorError):
    """An input file or option is invalid; ``faults`` has every fault, not only the first."""

    def __init__(self, *faults: Fault | str) -> None:
        self.faults = tuple(one_line(fault) if isinstance(fault, str) else fault for fault in faults)
        super().__init__(*map(str, self.faults))


class HostError(OrchestratorError):
    """A host or a provider failed: unreachable, access denied, no space left."""

    exit_code = ExitCode.HOST


class HostLost(HostError):
    """The connection to a host was lost; it may come back."""


class HostGone(HostError):
    """A rented machine has ended; it will not come back."""


class HostKeyRefused(HostError):
    """A host has another key than it should; it will not get the right one while anybody waits."""


class LoginRefused(HostError):
    """A host lets us not log in, although it answers in order; one that has just booted may do so later."""


class CommandFailed(HostError):
    """A command on a host failed or timed out."""


class OutputTooLarge(CommandFailed):
    """A command on a host printed more than it may."""


class KernelError(OrchestratorError):
    """A kernel could not be fetched, built, booted or verified."""

    exit_code = ExitCode.KERNEL


class Interrupted(OrchestratorError):
    """The user interrupted the program; settings were restored where possible."""

    exit_code = ExitCode.INTERRUPTED
