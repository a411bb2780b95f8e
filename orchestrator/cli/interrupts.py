"""Ctrl-C outside of a run: told at once, although the command may have to wait for hosts before it ends."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

MESSAGE = "orchestrate: interrupted"


@contextmanager
def told_at_once() -> Iterator[None]:
    """Print :data:`MESSAGE` in a line of its own when SIGINT comes, before ``KeyboardInterrupt`` is raised."""
    is_ours = signal.getsignal(signal.SIGINT) is signal.default_int_handler
    if not is_ours or threading.current_thread() is not threading.main_thread():
        yield
        return
    told = False

    def tell(number: int, frame: FrameType | None) -> None:
        nonlocal told
        if not told:
            told = True
            begin = "\n" if sys.stderr.isatty() else ""  # the terminal has shown ^C
            with contextlib.suppress(OSError, ValueError):  # not by way of a buffer that this may interrupt
                os.write(sys.stderr.fileno(), f"{begin}{MESSAGE}\n".encode())
        signal.default_int_handler(number, frame)

    signal.signal(signal.SIGINT, tell)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)
