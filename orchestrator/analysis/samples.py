"""Samples: the values of a metric of a cell by boot, and the excluded trials with their reasons."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence

from msgspec import Struct
from msgspec.structs import replace

from orchestrator.analysis.summary import CellSummary, by_boot, plan_order
from orchestrator.analysis.values import Units
from orchestrator.results.records import MetricInfo
from orchestrator.results.store import CellRow, RunRow, Store, TrialValue
from orchestrator.units import conversion


class Excluded(Struct, frozen=True):
    """A trial that is not in the figures of its cell, and why."""

    trial: str
    status: str
    reason: str


class Sample(Struct, frozen=True):
    """One metric of one cell in one environment.

    :ivar boots: values of the ok trials, in the metric's unit, by boot.
    :ivar excluded: trials that are not ok or lack this metric, without those that the stop rule saved.
    :ivar hosts: hosts of the trials.
    :ivar exact: the only value is a number without spread, such as a published one.
    :ivar trials: a number for each trial that has a value, the same only for the same trial of the same run, copied or
        not; valid in this process.
    :ivar converted: the unit of the journal, if it is not that of ``boots``.
    """

    cell: str
    factors: Mapping[str, str]
    environment: str
    label: str
    boots: Units
    excluded: tuple[Excluded, ...]
    hosts: tuple[str, ...] = ()
    exact: bool = False
    converted: str = ""
    trials: frozenset[int] = frozenset()

    @property
    def n(self) -> int:
        """Number of trials that have a value."""
        return sum(map(len, self.boots))

    def convert(self, unit: str, other: str) -> Sample:
        """Return the sample with its values in another unit that :func:`orchestrator.units.conversion` knows."""
        factor = conversion(unit, other)
        assert factor is not None
        boots = tuple(tuple(value * factor for value in boot) for boot in self.boots)
        return replace(self, boots=boots, converted=unit if unit != other else "")


def boots_of(store: Store, run: RunRow, cell: CellSummary, metric: MetricInfo) -> Units:
    """Return the values of a metric of a cell in its environment, by boot."""
    return by_boot(store.values_of_metric(run, cell.cell, cell.environment, metric.name, metric.unit))


def samples(store: Store, run: RunRow, metric: MetricInfo) -> Iterator[Sample]:
    """Yield each cell of a run in the order of its plan, environments separately. Holds one cell at a time."""
    factors = run.opening.factors if run.opening else ()
    for cell in sorted(store.cells(run), key=plan_order(factors)):
        rows = store.trial_values(cell, metric.name, metric.unit)
        for environment, values in itertools.groupby(rows, key=lambda row: row.environment):
            yield _sample(cell, environment, metric, list(values))


def _sample(cell: CellRow, environment: str, metric: MetricInfo, values: Sequence[TrialValue]) -> Sample:
    used = [each for each in values if each.status == "ok" and each.value is not None]
    excluded = (each for each in values if each.status != "ok" or each.value is None)
    return Sample(
        cell=cell.id,
        factors=cell.factors,
        environment=environment,
        label=", ".join(dict.fromkeys(each.label for each in used if each.label)),
        boots=by_boot((each.boot, each.value) for each in used if each.value is not None),
        excluded=tuple(
            Excluded(each.trial, each.status, each.reason if each.status != "ok" else f"no {metric.name}")
            for each in excluded
        ),
        # The id of a trial is the same in all runs of an experiment; boot and start are not.
        trials=frozenset(hash((each.trial, each.boot, each.started, each.value)) for each in used),
        hosts=tuple(dict.fromkeys(each.host for each in values)),
    )
