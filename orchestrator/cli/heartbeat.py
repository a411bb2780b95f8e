"""A line on stderr whenever there was none for some seconds, so that nobody has to guess whether a command hangs."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from orchestrator import activities
from orchestrator.activities import Shown
from orchestrator.cli import output

SILENCE_S = 9.0
"""Seconds without a line on stderr; the next one then comes within 10 s."""
ACTIVITIES_SHOWN = 3


@contextmanager
def never_silent(command: str) -> Iterator[None]:
    """Tell what is being waited for, for the length of the block.

    :param command: what to name if nothing tells of itself.
    """
    over = threading.Event()

    def beat() -> None:
        # A signal that this thread took would not wake the main thread, which handles it.
        signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
        with contextlib.suppress(ValueError):  # stderr was closed
            while not over.wait(max(0.1, SILENCE_S - output.silence())):
                if output.silence() >= SILENCE_S:
                    if activities.are_muted():
                        output.spoken()
                    else:
                        output.progress_line(summary() or f"{command}: still running")

    thread = threading.Thread(target=beat, daemon=True, name="heartbeat")
    output.spoken()
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def summary() -> str:
    """Return what is going on in one line, what has lasted longest first; empty if nothing tells of itself."""
    now = sorted(activities.current(), key=lambda one: -one.seconds)
    some = [f"{one}{_count(one)}" for one in now[:ACTIVITIES_SHOWN]]
    more = [f"and {len(now) - len(some)} more"] if len(now) > len(some) else []
    return "; ".join([*some, *more])


def _count(one: Shown) -> str:
    return f" ({one.done} of {one.total} trials ended)" if one.total else ""
