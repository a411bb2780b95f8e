"""What this process is doing at the moment: told where the work is done, shown by the command line.

Whatever may take over 10 s is in a :func:`doing`: the command line then is never silent for longer.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple


class Activity:
    """What a thread does, or waits for, see :func:`doing`.

    :ivar done: trials that have ended, ``total``: of so many; 0: it does not run trials.
    """

    def __init__(
        self, who: str, what: str, limit: float | None = None, bound: str = "", label: str = ""
    ) -> None:
        self.who = who
        self.label = label
        self.done = 0
        self.total = 0
        self.change(what, limit, bound)

    def change(self, what: str, limit: float | None = None, bound: str = "") -> None:
        """Begin something else; its time counts from now."""
        at_most = bound or ("" if limit is None else f" of at most {limit:g} s")
        self.now = (what, time.monotonic(), at_most)  # one assignment: other threads read it

    def rename(self, what: str) -> None:
        """Call what is done by another name; its time goes on."""
        self.now = (what, *self.now[1:])

    def __str__(self) -> str:
        return str(_shown((self,)))


class Shown(NamedTuple):
    """What one thread does now.

    :ivar who: the host, the kernel or the file; empty: this program. ``label``: what it is a part of.
    :ivar seconds: since it began. ``bound``: how long it may take, in words that follow the seconds.
    """

    who: str
    what: str
    seconds: float
    bound: str
    label: str
    done: int
    total: int

    def __str__(self) -> str:
        who = f"{self.who}: " if self.who else ""
        return f"{who}{self.what}, {self.seconds:.0f} s{self.bound}"


_lock = threading.Lock()
_threads: dict[int, list[Activity]] = {}
_mutes = 0


@contextmanager
def muted() -> Iterator[None]:
    """Let nobody print what is going on: in the block, a live view or another program has the terminal."""
    global _mutes
    with _lock:
        _mutes += 1
    try:
        yield
    finally:
        with _lock:
            _mutes -= 1


def are_muted() -> bool:
    """Return whether a :func:`muted` is in effect."""
    return _mutes > 0


@contextmanager
def doing(
    who: str, what: str, limit: float | None = None, *, bound: str = "", label: str = ""
) -> Iterator[Activity]:
    """Tell, for the length of the block, what this thread does; within another one, in place of that.

    :param who: the host, the kernel or the file; empty: that of the activity around it.
    :param what: such as ``booting``.
    :param limit: seconds after which it is given up; None: not known.
    :param bound: the limit in words, in place of ``of at most … s``.
    :param label: what it is a part of, such as a block; empty: that of the activity around it.
    """
    with showing(Activity(who, what, limit, bound, label)) as activity:
        yield activity


@contextmanager
def showing(activity: Activity) -> Iterator[Activity]:
    """Tell of an activity for the length of the block, see :func:`doing`."""
    thread = threading.get_ident()
    with _lock:
        _threads.setdefault(thread, []).append(activity)
    try:
        yield activity
    finally:
        with _lock:
            _threads[thread].remove(activity)
            if not _threads[thread]:
                del _threads[thread]


def current() -> list[Shown]:
    """Return what each thread does, those that have begun first in front."""
    with _lock:
        stacks = [tuple(stack) for stack in _threads.values()]
    return [_shown(stack) for stack in stacks]


def _shown(stack: tuple[Activity, ...]) -> Shown:
    what, began, bound = stack[-1].now
    inwards = stack[::-1]
    counting = next((one for one in inwards if one.total), stack[-1])
    return Shown(
        next((one.who for one in inwards if one.who), ""),
        what,
        time.monotonic() - began,
        bound,
        next((one.label for one in inwards if one.label), ""),
        counting.done,
        counting.total,
    )
