"""Modelled metrics: a substitute for a measured one where the clock counts instructions.

On that clock CPUs take turns, so parallel parts take as long as sequential ones. A benchmark that knows the time of
each part can compute the time of the whole with the parts in parallel: a metric that ``models`` the measured one.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from orchestrator.analysis.summary import CellSummary
from orchestrator.results.records import MetricInfo
from orchestrator.results.store import RunRow, Store


class Metrics(Struct, frozen=True):
    """The metrics of a run; ``counting``: the environments whose clock counts instructions."""

    known: tuple[MetricInfo, ...]
    counting: frozenset[str]

    def readings(self, name: str, environment: str) -> list[MetricInfo]:
        """Return the metrics to read for a metric in an environment, the preferred one first (its model, if needed)."""
        models = [metric for metric in self.known if metric.models == name and environment in self.counting]
        return models + [metric for metric in self.known if metric.name == name]


def is_modelled(cell: CellSummary, reading: MetricInfo) -> bool:
    """Whether the modelled figure of a cell differs from the measured one; with one working thread they are equal."""
    if not reading.models:
        return False
    modelled, measured = cell.estimate(reading.name), cell.estimate(reading.models)
    return modelled is not None and (measured is None or modelled.median != measured.median)


def metrics_of(store: Store, run: RunRow) -> Metrics:
    """Return the metrics of a run and the environments whose clock counts instructions."""
    known: Sequence[MetricInfo] = run.opening.metrics if run.opening else ()
    counting = (block.environment for block in store.blocks(run) if block.clock == "instructions")
    return Metrics(tuple(known), frozenset(counting))
