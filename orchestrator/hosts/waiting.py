"""Progress while a machine starts or ends: a line at each change; what lasts is told as any other activity."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from orchestrator.activities import Activity, doing


class Wait:
    """What is waited for, see :func:`waiting`."""

    def __init__(self, note: Callable[[str], None], activity: Activity, state: str) -> None:
        self._note = note
        self._activity = activity
        self._state = state

    def say(self, state: str) -> None:
        """Keep the state of the machine; write a line if it is another one than before."""
        if state != self._state:
            self._state = state
            self._activity.rename(state)
            self._note(str(self._activity))


@contextmanager
def waiting(note: Callable[[str], None], name: str, state: str, limit: float | None = None) -> Iterator[Wait]:
    """Tell of a machine for the length of the block: see :func:`~orchestrator.activities.doing`, and at each change.

    :param note: takes a line.
    :param state: the first state.
    :param limit: seconds after which the caller gives up; None: not known.
    """
    with doing(name, state, limit) as activity:
        yield Wait(note, activity, state)
