"""Ctrl-C outside of a run: told at once, although the command may have to wait for hosts before it ends."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from orchestrator import exits

MESSAGE = "orchestrate: interrupted"


@contextmanager
def told_at_once() -> Iterator[None]:
    """Print :data:`MESSAGE` in a line of its own when SIGINT comes, before ``KeyboardInterrupt`` is raised.

    A second SIGINT ends the program, whatever it waits for then; the next command restores what this one could not.
    """
    is_ours = signal.getsignal(signal.SIGINT) is signal.default_int_handler
    if not is_ours or threading.current_thread() is not threading.main_thread():
        yield
        return
    told_at: float | None = None

    def tell(number: int, frame: FrameType | None) -> None:
        nonlocal told_at
        if told_at is not None:
            if time.monotonic() - told_at > exits.TOGETHER_S:
                exits.interrupted()
            return
        told_at = time.monotonic()
        begin = "\n" if sys.stderr.isatty() else ""  # the terminal has shown ^C
        with contextlib.suppress(OSError, ValueError):  # not by way of a buffer that this may interrupt
            os.write(sys.stderr.fileno(), f"{begin}{MESSAGE}\n".encode())
        signal.default_int_handler(number, frame)

    signal.signal(signal.SIGINT, tell)
    try:
        yield
    finally:
        if told_at is None:  # else the program is about to end: one more must not raise there
            signal.signal(signal.SIGINT, signal.default_int_handler)
