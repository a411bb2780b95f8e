"""Summary of a cell: number of trials by status, and median and spread of each metric.

Figures use ``ok`` trials only, and each environment by itself. The median, not the mean: times on a machine with other
work are skewed, and one long trial must not move the figure (T. Hoefler, R. Belli, *Scientific Benchmarking of Parallel
Computing Systems*, SC '15, sections 3.1 and 3.2). How rates are averaged: :mod:`~orchestrator.analysis.values`; when a
median has an interval: :mod:`~orchestrator.analysis.intervals`.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Literal

from msgspec import Struct

from orchestrator.analysis import values
from orchestrator.analysis.intervals import Interval, of_median
from orchestrator.analysis.values import Units
from orchestrator.results.records import FactorInfo
from orchestrator.results.store import CellRow, RunRow, Store, Verification

Method = Literal["half interquartile range", "half range", "none"]
QUARTILES_FROM = 5
"""Fewest values for quartiles; of five values they are the second and the fourth."""


UNLABELLED = "no label"
"""Stands for the trials without a label in a cell where others have one."""


class Spread(Struct, frozen=True):
    """Spread of the values around the median, in the metric's unit; ``value`` is None for a single value."""

    value: float | None
    method: Method


class Estimate(Struct, frozen=True):
    """One metric of one cell in one environment, over ``n`` trials; figures in ``unit``.

    :ivar interval: of the median; None for the reason in ``no_interval``.
    """

    metric: str
    unit: str
    n: int
    median: float
    spread: Spread
    minimum: float
    maximum: float
    boots: int = 1
    interval: Interval | None = None
    no_interval: str = ""


class CellSummary(Struct, frozen=True):
    """One cell in one environment; ``statuses`` counts all its trials, ``n`` those that are ok.

    :ivar label: the benchmark's name for the figures, where the levels alone would mislead; several names, with commas,
        where trials differ.
    """

    cell: str
    factors: Mapping[str, str]
    environment: str
    statuses: Mapping[str, int]
    estimates: tuple[Estimate, ...]
    verification: Verification | None
    label: str = ""

    @property
    def n(self) -> int:
        """Number of trials in the figures."""
        return self.statuses.get("ok", 0)

    def estimate(self, metric: str) -> Estimate | None:
        """Return the estimate of a metric, None if no ok trial has it."""
        return next((estimate for estimate in self.estimates if estimate.metric == metric), None)


def spread_of(values: Sequence[float]) -> Spread:
    """Return half the interquartile range; with fewer than five values half the range, with one value none.

    Quartiles by linear interpolation between order statistics, definition 7 of R. J. Hyndman and Y. Fan, *Sample
    Quantiles in Statistical Packages*, The American Statistician 50 (1996) 361-365 (the default of R and NumPy). Half
    of the range, so that ``median ± spread`` covers the middle half of the values if they lie symmetrically.
    """
    if len(values) < 2:
        return Spread(None, "none")
    if len(values) < QUARTILES_FROM:
        return Spread((max(values) - min(values)) / 2, "half range")
    lower, _, upper = statistics.quantiles(values, n=4, method="inclusive")
    return Spread((upper - lower) / 2, "half interquartile range")


def estimate(metric: str, unit: str, boots: Units) -> Estimate:
    """Summarise the values of one metric by boot; at least one value."""
    flat = [value for boot in boots for value in boot]
    interval, reason = of_median(boots, unit)
    return Estimate(
        metric=metric,
        unit=unit,
        n=len(flat),
        median=values.median(flat, unit),
        spread=spread_of(flat),
        minimum=min(flat),
        maximum=max(flat),
        boots=len(boots),
        interval=interval,
        no_interval=reason,
    )


def by_boot(rows: Iterable[tuple[str, float]]) -> Units:
    """Group pairs of boot and value by boot, in order of first appearance."""
    boots: dict[str, list[float]] = {}
    for boot, value in rows:
        boots.setdefault(boot, []).append(value)
    return tuple(map(tuple, boots.values()))


def summarise(store: Store, run: RunRow) -> Iterator[CellSummary]:
    """Yield the cells of a run in the order of its plan, each environment by itself.

    Holds the values of one cell at a time.
    """
    factors = run.opening.factors if run.opening else ()
    for cell in sorted(store.cells(run), key=plan_order(factors)):
        for found in store.outcomes(cell):
            yield CellSummary(
                cell=cell.id,
                factors=cell.factors,
                environment=found.environment,
                statuses=found.statuses,
                estimates=tuple(
                    estimate(metric, unit, tuple(map(tuple, boots.values())))
                    for (metric, unit), boots in found.values.items()
                ),
                verification=found.verification,
                label=_label(found.labels),
            )


def plan_order(factors: Sequence[FactorInfo]) -> Callable[[CellRow], tuple[tuple[int, str], ...]]:
    """Return a sort key that puts cells in the order of the plan: by the position of each level in the file.

    Derived factors have no positions and follow from the others; equal cells keep their order.
    """
    positions = {
        factor.name: {level: position for position, level in reversed(list(enumerate(factor.levels)))}
        for factor in factors
        if factor.levels
    }

    def key(cell: CellRow) -> tuple[tuple[int, str], ...]:
        levels = ((known, cell.factors.get(name, "")) for name, known in positions.items())
        return tuple(
            (known.get(level, len(known)), "" if level in known else level) for known, level in levels
        )

    return key


def _label(labels: Sequence[str]) -> str:
    """Return the labels in one string; empty if no trial has one."""
    return ", ".join(label or UNLABELLED for label in labels) if any(labels) else ""
