"""A host that is lost again and again: which trial is to blame, and when to give up."""

from __future__ import annotations

from collections.abc import Iterator

from orchestrator.errors import HostError
from orchestrator.execution import outcome
from orchestrator.execution.outcome import TrialContext
from orchestrator.execution.run import Run
from orchestrator.plan.model import Block, Trial

MAX_LOSSES_WITHOUT_PROGRESS = 3
"""A host may be lost this often in a row without a trial ending (or as often as one trial may take it down)."""


class HostLosses:
    """How often a machine was lost, and the trials suspected of it.

    :ivar running: the trial that the host's journal has started and not ended.
    :ivar in_a_row: losses since a trial has ended.
    :ivar ended: how often a trial has.
    """

    def __init__(self, run: Run, machine: str) -> None:
        self.running: Trial | None = None
        self.in_a_row = 0
        self.ended = 0
        self._run = run
        self._machine = machine
        self._suspect: Trial | None = None
        self._alone: Trial | None = None

    @property
    def is_certain(self) -> bool:
        """Whether only one trial was sent, so that no other can be to blame."""
        return self._alone is not None

    def trials_to_send(self, block: Block) -> Iterator[Trial]:
        """Return all trials that are left; or, where one is suspected of a loss, that one alone."""
        alone, self._suspect = self._suspect, None
        self._alone = alone
        pending = self._run.pending(block)
        return pending if alone is None else (trial for trial in pending if trial.id == alone.id)

    def end(self) -> None:
        """Take over that a trial has ended, for the first time that its end has reached us."""
        self.ended += 1
        self.in_a_row = 0

    def count(self, reason: str) -> None:
        """Count a loss; ``HostError`` once the host is lost again and again without a trial ending."""
        self.in_a_row += 1
        if self.in_a_row > max(MAX_LOSSES_WITHOUT_PROGRESS, self._run.experiment.limits.crashes):
            raise HostError(
                f"{self._machine}: lost {self.in_a_row} times in a row without completing a trial: {reason}"
            )

    def blame(self, block: Block, context: TrialContext | None, reason: str, certain: bool = True) -> None:
        """Hold the running trial responsible for a loss; set it aside once it has caused too many.

        Not ``certain``: the host's journal died with the host, and its last lines may not have reached us. The trial we
        take for the running one may have ended, and a later one be to blame. It runs alone before it is judged.

        :param context: where it ran; None only if no trial of the block can have run yet.
        """
        run, trial = self._run, self.running or self._alone
        self.running = None
        if trial is None and not certain:
            trial = next(run.pending(block), None)
        if trial is None or run.is_finished(trial.id):
            return
        assert context is not None
        crashes = run.count_crash(trial.id)
        final = certain and crashes >= run.experiment.limits.crashes
        if final:
            self.in_a_row = 0
        elif not certain:
            self._suspect = trial
        run.record(outcome.crashed(trial, context, reason, final))
