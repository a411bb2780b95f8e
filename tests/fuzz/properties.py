"""What holds for every input: it is read, or refused in words, within limits of time and memory."""

from __future__ import annotations

import resource
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from orchestrator.errors import LONGEST_LINE, BadInput, OrchestratorError
from orchestrator.terminal import visible
from tests.fuzz.target import Target

MEMORY = 300 << 20
"""Bytes of address space that an input may take in addition to what the process has."""


class TooSlow(BaseException):
    """An input took more time than its target allows. No reader may catch it."""


class Slow(AssertionError):
    """An input took too long."""


class TooLong(AssertionError):
    """The text of an error is not one printable line of bounded length."""


def check(target: Target, data: bytes, patience: float = 1.0) -> None:
    """Raise whatever shows that a reader trusts its input; see docs/reliability.md.

    :param patience: by which the time is multiplied, in tests that run beside others.
    """
    refusal: OrchestratorError | None = None
    try:
        with limits(patience * target.seconds):
            target.run(data)
    except OrchestratorError as error:
        refusal = error
    except TooSlow as error:
        seconds = patience * target.seconds
        raise Slow(f"more than {seconds:g} s of CPU").with_traceback(error.__traceback__) from None
    if refusal is not None:
        _check_text(refusal)


@contextmanager
def limits(seconds: float) -> Iterator[None]:
    """Limit the CPU time of the block, and the memory that it takes."""
    before = signal.signal(signal.SIGPROF, _stop)
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    try:
        resource.setrlimit(resource.RLIMIT_AS, (used + MEMORY, hard))
        signal.setitimer(signal.ITIMER_PROF, seconds)
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))


def _stop(_number: int, _frame: FrameType | None) -> None:
    raise TooSlow


def _check_text(error: OrchestratorError) -> None:
    for text in map(str, error.faults) if isinstance(error, BadInput) else [str(error)]:
        shown = visible(text)  # as the command prints it
        if not shown.strip() or len(shown.splitlines()) > 1 or len(text) > LONGEST_LINE:
            size = f"{len(text)} characters, {len(shown.splitlines())} lines"
            raise TooLong(f"{size}: {shown[:300]!r}").with_traceback(error.__traceback__)
