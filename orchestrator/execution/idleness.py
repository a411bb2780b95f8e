"""A host whose CPUs do not become idle before trials: who uses them, and when one gives up."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from orchestrator.errors import HostError, one_line
from orchestrator.execution.host_journal import Busy, TrialEnd, Waiting
from orchestrator.units import format_limit

MOST_IN_A_ROW = 3
"""Trials that have waited in vain, one after another, before one gives up: more of them would be as disturbed."""


class IdleWatch:
    """Watches the waits of the trials on one machine.

    :param note: tells the user a line.
    """

    def __init__(self, machine: str, note: Callable[[str], None]) -> None:
        self._machine = machine
        self._note = note
        self._environment = ""
        self._in_vain: list[TrialEnd] = []
        self._noted = False

    def begin(self, environment: str) -> None:
        """Count anew: the journal of a runner is read from its start."""
        self._environment = environment
        self._in_vain = []

    def waiting(self, event: Waiting) -> None:
        """Tell once who is busy; a journal is read again after the connection was lost."""
        if self._noted:
            return
        self._noted = True
        self._note(
            f"{self._machine}: waiting for idle CPUs, at most {format_limit(event.limit, self._environment)} "
            f"(limits.settle); busy: {shown(event.busy)}"
        )

    def ended(self, event: TrialEnd) -> None:
        """Take over how long a trial has waited."""
        self._in_vain = [] if event.settled else [*self._in_vain, event]

    def check(self) -> None:
        """Raise ``HostError`` if the CPUs were not idle before several trials in a row."""
        if len(self._in_vain) >= MOST_IN_A_ROW:
            raise HostError(
                f"{self._machine}: the CPUs were not idle before {len(self._in_vain)} trials in a row; busy: "
                f"{shown(self._in_vain[-1].busy)}; end these programs, or start a new run that does not wait, with "
                "--new --set limits.settle=0"
            )


def shown(processes: Iterable[Busy]) -> str:
    """Return the processes and the CPUs that each uses, 1 being one CPU all the time."""
    each = [f"{one_line(one.command)} (pid {one.pid}) {one.cpus:.2f}" for one in processes]
    return f"{', '.join(each)} CPUs" if each else "no process that can be seen"
