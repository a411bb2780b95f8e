"""Time and memory for what only looks at a role: its templates come from whoever wrote it, and may ask for anything."""

from __future__ import annotations

import resource
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

TIME_LIMIT_S = 5.0
"""Of CPU time: a template cannot wait. Checking the largest role of this project takes a tenth of a second."""

MEMORY_LIMIT = 300 * 1024**2
"""Bytes of address space in addition to what the process has."""


class TooMuch(Exception):
    """A block has taken more than it may; the message says of what. No other error is meant."""


class _TooLong(BaseException):
    """No template may catch it."""


@contextmanager
def bounded(what: str) -> Iterator[None]:
    """Raise :class:`TooMuch` with ``what`` if the block takes too much time or memory.

    Only the main thread can be bounded: in others, which apply roles that were checked there before, nothing is.
    Python looks for signals also within long arithmetic and within regular expressions. Within a block that is bounded,
    the limits are those of the outer one.
    """
    is_bounded = signal.getitimer(signal.ITIMER_VIRTUAL)[0] > 0
    if is_bounded or threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGVTALRM, _stop)
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    most = used + MEMORY_LIMIT if soft == resource.RLIM_INFINITY else min(soft, used + MEMORY_LIMIT)
    try:
        resource.setrlimit(resource.RLIMIT_AS, (most, hard))
        signal.setitimer(signal.ITIMER_VIRTUAL, TIME_LIMIT_S)
        yield
    except _TooLong:
        raise TooMuch(f"{what} took more than {TIME_LIMIT_S:g} s") from None
    except MemoryError:
        raise TooMuch(f"{what} took more than {MEMORY_LIMIT // 1024**2} MiB of memory") from None
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))


def _stop(_number: int, _frame: FrameType | None) -> None:
    raise _TooLong
