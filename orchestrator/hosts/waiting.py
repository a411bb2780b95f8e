"""Progress while a machine starts or ends: a line at each change, and one every few seconds without a change."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

INTERVAL_S = 8.0
"""Seconds between two lines about the same state."""


class Wait:
    """What is waited for, see :func:`waiting`."""

    def __init__(self, note: Callable[[str], None], name: str, state: str, limit: float | None) -> None:
        self._note = note
        self._name = name
        self._limit = limit
        self._began = time.monotonic()
        self._state = state

    def say(self, state: str) -> None:
        """Keep the state of the machine; write a line if it is another one than before."""
        if state != self._state:
            self._state = state
            self.repeat()

    def repeat(self) -> None:
        """Write the line."""
        spent = time.monotonic() - self._began
        at_most = "" if self._limit is None else f" of at most {self._limit:.0f} s"
        self._note(f"{self._name}: {self._state}, {spent:.0f} s{at_most}")


@contextmanager
def waiting(
    note: Callable[[str], None],
    name: str,
    state: str,
    limit: float | None = None,
    interval: float = INTERVAL_S,
) -> Iterator[Wait]:
    """Write lines about a machine for the length of the block, also while a call in it does not return.

    :param note: takes a line; called from another thread as well.
    :param state: the first state; written after ``interval`` seconds if the block still runs.
    :param limit: seconds after which the caller gives up; None: not known.
    """
    wait = Wait(note, name, state, limit)
    over = threading.Event()

    def repeat() -> None:
        while not over.wait(interval):
            wait.repeat()

    thread = threading.Thread(target=repeat, daemon=True)
    thread.start()
    try:
        yield wait
    finally:
        over.set()
        thread.join()
