"""Errors that the user can fix, each with an exit code.

These errors are printed as plain lines, without a traceback. Any other exception is a bug, and ends the program with
:attr:`ExitCode.BUG` (``EX_SOFTWARE`` of sysexits.h).
"""

from __future__ import annotations

from enum import IntEnum
from typing import ClassVar, NamedTuple


class ExitCode(IntEnum):
    """Exit codes of ``orchestrate``. They are a stable interface."""

    OK = 0
    TRIALS_NOT_OK = 1
    BAD_INPUT = 2
    HOST = 3
    KERNEL = 4
    REGRESSION = 5
    BUG = 70
    INTERRUPTED = 130


class OrchestratorError(Exception):
    """Base class of all errors; ``str(error)`` is the message for the user."""

    exit_code: ClassVar[ExitCode] = ExitCode.BAD_INPUT


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
        return f"{position}: {self.message}"


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
        self.faults = faults
        super().__init__("\n".join(str(fault) for fault in faults))


class HostError(OrchestratorError):
    """A host or a provider failed: unreachable, access denied, no space left."""

    exit_code = ExitCode.HOST


class HostLost(HostError):
    """The connection to a host was lost; it may come back."""


class HostGone(HostError):
    """A rented machine has ended; it will not come back."""


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
