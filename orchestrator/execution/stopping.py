"""Stopping on request or at a limit: the first finishes the running trial, the second stops at once.

Both restore the host.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from orchestrator.experiment.model import Experiment

MAX_HOURS = "limits.max_hours"

RESTORE_S = 60.0
"""Time to restore a host and to give it back."""


def reserve(experiment: Experiment) -> float:
    """Return the seconds before a deadline in which no trial begins, so that the last one ends in time."""
    return experiment.limits.trial + experiment.limits.settle + RESTORE_S


class Stop:
    """How urgently the user wants the run to stop: 0 not at all, 1 after the running trial, 2 now.

    :ivar is_limit: whether a limit asked for it, not the user.
    :ivar leaves_machine: whether only the present machine is to be left, see :meth:`leave_machine`.
    """

    def __init__(self) -> None:
        self.level = 0
        self.by = ""
        self.is_limit = False
        self.leaves_machine = False

    def request(self, number: int, frame: FrameType | None = None) -> None:
        """Signal handler: the first Ctrl-C asks for level 1, everything else for level 2."""
        is_first = self.level == 0 or self.leaves_machine
        self.level = 1 if number == signal.SIGINT and is_first else 2
        self.by, self.is_limit, self.leaves_machine = signal.Signals(number).name, False, False

    def expire(self, limit: str) -> None:
        """Ask for level 1 because a limit of the experiment is reached."""
        if self.level == 0 or self.leaves_machine:
            self.level, self.by, self.is_limit, self.leaves_machine = 1, limit, True, False

    def leave_machine(self, reason: str) -> None:
        """Ask for level 1 because the machine is about to end; :meth:`go_on` takes it back."""
        if self.level == 0:
            self.level, self.by, self.leaves_machine = 1, reason, True

    def go_on(self) -> bool:
        """Take back what :meth:`leave_machine` asked for, to go on with another machine.

        Returns False if nothing asked for that, or if the whole run is to stop.
        """
        if not self.leaves_machine:
            return False
        self.level, self.by, self.leaves_machine = 0, "", False
        return True


@contextmanager
def after(stop: Stop, seconds: float | None, limit: str) -> Iterator[None]:
    """Let a limit expire after so many seconds, within the block; None: never."""
    if seconds is None:
        yield
        return
    timer = threading.Timer(max(0.0, seconds), stop.expire, [limit])
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


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
