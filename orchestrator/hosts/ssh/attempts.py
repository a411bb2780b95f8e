"""Connecting to a host can be given up: nothing has to be restored where nothing is connected yet."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, wait
from typing import TypeVar

from orchestrator.errors import Interrupted
from orchestrator.threads import started

POLL_S = 0.1

T = TypeVar("T")

_requests: tuple[str, ...] = ()
"""Who has wanted all attempts of the time to be given up."""


def give_up(by: str) -> None:
    """Give up all attempts that are under way; later ones, as to restore a host, are made. Waits for nothing.

    :param by: the signal.
    """
    global _requests
    _requests += (by,)


def interruptible(connect: Callable[[], T], close: Callable[[T], None]) -> T:
    """Return what ``connect`` returns, or raise what it raises; ``Interrupted`` once the attempt is given up.

    It is called in another thread: the look-up of a name, a silent server and a program of the SSH configuration all
    take their time, and no signal wakes them. A connection that comes too late is closed.
    """
    before = len(_requests)
    result = started(connect)
    try:
        while not wait([result], POLL_S).done:
            if len(_requests) > before:
                raise Interrupted(f"stopped by {_requests[-1]}")
        return result.result()
    except BaseException:

        def close_late(late: Future[T]) -> None:
            if late.exception() is None:
                close(late.result())

        result.add_done_callback(close_late)
        raise
