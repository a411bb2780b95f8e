"""Stopping on request or at a limit: the first finishes the running trial, the second stops at once.

Both restore the host, if it answers; an attempt to connect to one is given up. The second request of a user ends the
program in seconds, whatever a host or the network does, and so does the first one that wants it to stop at once, if no
host answers: connections to hosts that give no sign of life are closed, which wakes all that wait for them, and if that
was not enough, it exits as if it were killed. The next command then restores what this one could not.
"""

from __future__ import annotations

import contextlib
import math
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from types import FrameType
from typing import Protocol

from orchestrator import exits
from orchestrator.experiment.model import Experiment
from orchestrator.hosts.ssh import close_silent, give_up

MAX_HOURS = "limits.max_hours"

RESTORE_S = 60.0
"""Time to restore a host and to give it back."""

ANSWER_S = 3.0
"""Time that hosts have to give a sign of life after the second request."""

CLEAN_UP_S = 1.5
"""Time after that to write what is known, before the program exits: it then has taken less than 5 s."""

_LEFT = (
    "orchestrate: interrupted before a host was restored: its settings may still be changed, and a trial may still run "
    "there; repeat the command to restore and to resume"
)


def reserve(experiment: Experiment) -> float:
    """Return the seconds before a deadline in which no trial begins, so that the last one ends in time."""
    return experiment.limits.trial + experiment.limits.settle + RESTORE_S


def time_left(deadline: datetime | None, experiment: Experiment) -> float | None:
    """Return the seconds after which no further trial begins on a machine; None: it has no deadline (UTC)."""
    return None if deadline is None else (deadline - datetime.now(UTC)).total_seconds() - reserve(experiment)


class Stopping(Protocol):
    """Whether trials are to stop, see :class:`Stop`."""

    @property
    def level(self) -> int:
        """How urgently."""

    @property
    def by(self) -> str:
        """The signal, the limit or the reason; empty at level 0."""

    def leave_machine(self, reason: str) -> None:
        """Ask for level 1 on the present machine, because it is about to end."""


class Stop:
    """How urgently the user wants the run to stop: 0 not at all, 1 after the running trial, 2 now.

    :ivar is_limit: whether a limit asked for it, not the user.
    :ivar leaves_machine: whether only the present machine is to be left, see :meth:`leave_machine`.
    :ivar is_repeated: whether the user had asked before: nobody waits for a host any more.
    :ivar waits_for_end: whether a run that is to stop now is waited for nevertheless: rented machines must be given
        back, others boot their own kernel again. A third request ends the program.
    :ivar host_answers: see :attr:`~orchestrator.hosts.provider.Provider.always_answers`.
    """

    def __init__(self) -> None:
        self.waits_for_end = False
        self.host_answers = False
        self.is_repeated = False
        self.level = 0
        self.by = ""
        self.is_limit = False
        self.leaves_machine = False

    @property
    def is_users(self) -> bool:
        """Whether the user wants the run to stop, not a limit or the end of a machine."""
        return self.level > 0 and not self.is_limit and not self.leaves_machine

    def request(self, number: int) -> None:
        """Take a signal: the first Ctrl-C asks for level 1, everything else for level 2."""
        self.is_repeated = self.is_users
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


class MachineStop:
    """Whether trials on one machine of a fleet are to stop: with the run, or because the machine is about to end."""

    def __init__(self, run: Stop) -> None:
        self._run = run
        self.leaving = ""

    @property
    def level(self) -> int:
        """See :class:`Stopping`."""
        return max(self._run.level, 1 if self.leaving else 0)

    @property
    def by(self) -> str:
        """See :class:`Stopping`."""
        return self._run.by or self.leaving

    def leave_machine(self, reason: str) -> None:
        """See :class:`Stopping`."""
        self.leaving = reason


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


class _Watcher:
    """Passes signals on to a :class:`Stop`, tells the user, and sees to it that the program ends.

    The handler itself only sets numbers and writes a byte: it must not wait for a lock of whom it interrupts, and
    starting a thread takes some.
    """

    def __init__(self, stop: Stop, tell: Callable[[str], None]) -> None:
        self._stop = stop
        self._tell = tell
        self._stopping_since = math.inf
        self._read, self._write = os.pipe()
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def take(self, number: int, frame: FrameType | None) -> None:
        """Take a signal; the handler of all of them.

        Of several that come together, as when a session or a terminal is closed, only the first counts; Ctrl-C a third
        time ends the program.
        """
        del frame
        since = time.monotonic() - self._stopping_since
        if since >= 0:
            if number == signal.SIGINT and since > exits.TOGETHER_S:
                exits.interrupted(_LEFT)
            return
        self._stop.request(number)
        if self._stop.level == 2:
            self._stopping_since = time.monotonic()
        os.write(self._write, bytes([self._stop.level]))

    def _watch(self) -> None:
        while (level := os.read(self._read, 1)) != b"\0":
            by = self._stop.by
            give_up(by)
            if level == b"\1":
                self._say(f"{by}: stopping after the running trial; again: at once")
            else:
                self._say(f"{by}: stopping now")
                self._end_in_time()

    def _say(self, text: str) -> None:
        with contextlib.suppress(Exception):  # a terminal that was closed
            self._tell(text)

    def _end_in_time(self) -> None:
        """Let go of hosts that do not answer; exit if the others, if any, do not come to an end either."""
        answering = 0
        with contextlib.suppress(Exception):  # whatever happens, the program must end
            answering = close_silent(ANSWER_S)
        is_repeated = self._stop.is_repeated
        if self._stop.waits_for_end or (self._stop.host_answers and not is_repeated):
            return
        limit = RESTORE_S if answering and not is_repeated else ANSWER_S + CLEAN_UP_S
        if not self._is_over.wait(self._stopping_since + limit - time.monotonic()):
            exits.interrupted(_LEFT)

    def end(self) -> None:
        """Nothing has to be ended any more."""
        self._is_over.set()
        os.write(self._write, b"\0")
        self._thread.join(CLEAN_UP_S)
        if not self._thread.is_alive():
            os.close(self._read)
            os.close(self._write)


@contextmanager
def on_signals(tell: Callable[[str], None]) -> Iterator[Stop]:
    """Turn SIGINT, SIGTERM and SIGHUP into requests for the length of the block; only in the main thread.

    A SIGHUP that is ignored, as under nohup(1), stays ignored.

    :param tell: takes a line for the user; called from other threads.
    """
    stop = Stop()
    watcher = _Watcher(stop, tell)
    numbers = [signal.SIGINT, signal.SIGTERM]
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
        numbers.append(signal.SIGHUP)
    before = {number: signal.signal(number, watcher.take) for number in numbers}
    try:
        yield stop
    finally:
        for number, earlier in before.items():
            signal.signal(number, earlier)
        watcher.end()
