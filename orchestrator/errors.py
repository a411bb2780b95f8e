"""The one tree of errors that a user can mend; each kind has its exit code.

Whatever is raised from here reaches the user as plain lines, never as a traceback. Everything else is a defect
of ours and may show one.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import ClassVar


class ExitCode(IntEnum):
    """Exit codes of ``orchestrate``; part of its interface."""

    OK = 0
    TRIALS_NOT_OK = 1
    BAD_INPUT = 2
    HOST = 3
    KERNEL = 4
    REGRESSION = 5
    INTERRUPTED = 130


class OrchestratorError(Exception):
    """Base of all errors of this project; ``str(error)`` is what the user reads."""

    exit_code: ClassVar[ExitCode] = ExitCode.BAD_INPUT


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault of an input file: where it is, what is wrong and what was expected.

    ``line`` and ``column`` count from 1; 0 means that the fault belongs to the file as a whole.
    """

    file: str
    line: int
    column: int
    message: str

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}:{self.column}" if self.line else self.file
        return f"{place}: {self.message}"


@dataclass(frozen=True, slots=True)
class Position:
    """A position in a file; line and column count from 1, line 0: the whole file, or an option such as ``--set``."""

    file: str
    line: int = 0
    column: int = 0

    def fault(self, message: str) -> Fault:
        """Make a fault at this position."""
        return Fault(self.file, self.line, self.column, message)


class BadInput(OrchestratorError):
    """An input file or option is wrong; carries every fault found, not the first only."""

    def __init__(self, *faults: Fault | str) -> None:
        self.faults = faults
        super().__init__("\n".join(str(fault) for fault in faults))


class HostError(OrchestratorError):
    """A host or a provider failed: unreachable, refused, out of space, gone."""

    exit_code = ExitCode.HOST


class HostLost(HostError):
    """A host that was reached answers no more; whoever holds its machine may try to return to it."""


class CommandFailed(HostError):
    """A command on a host ended with an exit code that was not accepted, or passed its time limit."""


class KernelError(OrchestratorError):
    """A kernel could not be fetched, built, booted or proven."""

    exit_code = ExitCode.KERNEL


class Interrupted(OrchestratorError):
    """The user asked to stop; what could be put back has been put back."""

    exit_code = ExitCode.INTERRUPTED
