"""Stopping on request: the first finishes the running trial, the second stops at once; both restore the host."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class Stop:
    """How urgently the user wants the run to stop: 0 not at all, 1 after the running trial, 2 now."""

    def __init__(self) -> None:
        self.level = 0
        self.by = ""

    def request(self, number: int, frame: FrameType | None = None) -> None:
        """Signal handler: the first Ctrl-C asks for level 1, everything else for level 2."""
        self.level = 1 if number == signal.SIGINT and self.level == 0 else 2
        self.by = signal.Signals(number).name


@contextmanager
def on_signals() -> Iterator[Stop]:
    """Turn SIGINT, SIGTERM and SIGHUP into requests for the length of the block; only in the main thread."""
    stop = Stop()
    before = {
        number: signal.signal(number, stop.request)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    }
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
