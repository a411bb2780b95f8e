"""A host that is lost again and again: which trial does it, and when is it enough?"""

from __future__ import annotations

from collections.abc import Iterator

from orchestrator.errors import HostError
from orchestrator.execution import outcome
from orchestrator.execution.coordinator import Run
from orchestrator.plan.model import Block, Trial

LOSSES_WITHOUT_PROGRESS = 3
"""So often may a host be lost in a row without a trial ending (or as often as one trial may kill it)."""


class HostLosses:
    """How often a machine was lost, and the trials that are suspected of it.

    :ivar running: the trial that the host's journal has begun and not ended.
    :ivar in_a_row: losses since a trial has ended.
    """

    def __init__(self, run: Run, machine: str) -> None:
        self.running: Trial | None = None
        self.in_a_row = 0
        self._run = run
        self._machine = machine
        self._suspect: Trial | None = None
        self._alone: Trial | None = None

    @property
    def is_certain(self) -> bool:
        """Whether only one trial was sent, so that no other can have done it."""
        return self._alone is not None

    def trials_to_send(self, block: Block) -> Iterator[Trial]:
        """Return all trials that are left; or, where one may have killed the host, that one alone."""
        alone, self._suspect = self._suspect, None
        self._alone = alone
        pending = self._run.pending(block)
        return pending if alone is None else (trial for trial in pending if trial.id == alone.id)

    def count(self, reason: str) -> None:
        """Give up with ``HostError`` when something else than a trial takes the host away again and again."""
        self.in_a_row += 1
        if self.in_a_row > max(LOSSES_WITHOUT_PROGRESS, self._run.experiment.limits.crashes):
            raise HostError(f"{self._machine}: lost {self.in_a_row} times without a trial ending: {reason}")

    def charge(
        self, block: Block, place: outcome.TrialContext | None, reason: str, certain: bool = True
    ) -> None:
        """Hold the running trial responsible for the loss of its host; set it aside when it has done so too often.

        Not ``certain``: the host's journal died with the host, and its last lines may not have reached us, so that the
        trial we take for the running one had ended and a later one did it. Then it runs alone before it is judged.

        :param place: where it ran; None only if no trial of the block can have run yet.
        """
        run, trial = self._run, self.running or self._alone
        self.running = None
        if trial is None and not certain:
            trial = next(run.pending(block), None)
        if trial is None or trial.id in run.finished:
            return
        assert place is not None
        run.crashes[trial.id] += 1
        final = certain and run.crashes[trial.id] >= run.experiment.limits.crashes
        if final:
            self.in_a_row = 0
        elif not certain:
            self._suspect = trial
        record = outcome.crashed(trial, place, reason, final)
        (run.conclude if final else run.retry)(record)
