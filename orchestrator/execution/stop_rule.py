"""Which trials of a block need not run, because the median of their cell is precise enough.

It is evaluated before each block, from earlier blocks only. So the result does not depend on interruptions, nor on
what a host has done of the block itself.
"""

from __future__ import annotations

from collections.abc import Iterable

from orchestrator.analysis.precision import is_precise
from orchestrator.analysis.summary import by_boot
from orchestrator.execution import outcome
from orchestrator.experiment.model import Experiment, Status, Until
from orchestrator.plan.model import Block, Trial
from orchestrator.results.records import Record, TrialRecord


class StopRule:
    """What is known of each cell: the headline of its ok trials, by block and boot, one environment at a time."""

    def __init__(self, experiment: Experiment, until: Until, records: Iterable[Record] = ()) -> None:
        self._until = until
        self._metric = experiment.benchmark.headline
        self._found: dict[str, list[tuple[int, str, float]]] = {}
        self._units: dict[str, str] = {}
        self._places: dict[str, outcome.TrialContext] = {}
        self._known: set[str] = set()
        for record in records:
            if isinstance(record, TrialRecord):
                self.learn(record)

    @property
    def reason(self) -> str:
        """Why a trial is not needed, in words."""
        width, confidence = self._until.half_width * 100, self._until.confidence * 100
        return (
            f"not needed: half the {confidence:g} % interval of the median of {self._metric} "
            f"is at most {width:g} % of it"
        )

    def learn(self, record: TrialRecord) -> None:
        """Take a trial's figure; figures of another environment than the last one's are forgotten."""
        metric = record.metrics.get(self._metric)
        if record.status is not Status.OK or not record.final or metric is None:
            return
        place = outcome.TrialContext(record.block, record.host, "", record.environment, record.kernel_hash)
        if self._places.get(record.cell, place).environment != place.environment:
            del self._found[record.cell]
        self._places[record.cell] = place
        self._units[record.cell] = metric.unit
        self._found.setdefault(record.cell, []).append((record.block, record.boot, metric.value))

    def not_needed(self, trial: Trial, block: Block) -> TrialRecord | None:
        """Return the final record of a trial that need not run in this block; None if it must."""
        cell = trial.cell.id
        if cell not in self._known and not self._is_known(cell, block):
            return None
        self._known.add(cell)
        return outcome.not_needed(trial, self._places[cell], block.index, self.reason)

    def _is_known(self, cell: str, block: Block) -> bool:
        earlier = by_boot(
            (boot, value) for index, boot, value in self._found.get(cell, ()) if index < block.index
        )
        return is_precise(earlier, self._units.get(cell, ""), self._until)
