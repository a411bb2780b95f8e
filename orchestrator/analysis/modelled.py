"""Which metric speaks for another where the clock counts instructions.

On that clock CPUs take turns, so what runs in parallel takes as long as one after the other. A benchmark that knows how
long each part took can say what the whole would take side by side: by a metric that ``models`` the measured one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from orchestrator.analysis.summary import CellSummary
from orchestrator.results.records import MetricInfo
from orchestrator.results.store import RunRow, Store


@dataclass(frozen=True, slots=True)
class Metrics:
    """The metrics of a run; ``counting`` are the environments whose clock counts instructions."""

    known: tuple[MetricInfo, ...]
    counting: frozenset[str]

    def readings(self, name: str, environment: str) -> list[MetricInfo]:
        """Return what may be read for a metric in an environment, the best first: where it needs one its model."""
        models = [metric for metric in self.known if metric.models == name and environment in self.counting]
        return models + [metric for metric in self.known if metric.name == name]


def is_modelled(cell: CellSummary, reading: MetricInfo) -> bool:
    """Whether a metric says something else of a cell than what was measured; where one thread works it does not."""
    if not reading.models:
        return False
    said, measured = cell.estimate(reading.name), cell.estimate(reading.models)
    return said is not None and (measured is None or said.median != measured.median)


def metrics_of(store: Store, run: RunRow) -> Metrics:
    """Return the metrics of a run, with what its blocks say of their clocks."""
    known: Sequence[MetricInfo] = run.opening.metrics if run.opening else ()
    counting = (block.environment for block in store.blocks(run) if block.clock == "instructions")
    return Metrics(tuple(known), frozenset(counting))
