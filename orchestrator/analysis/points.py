"""The cells of a run as points: mode, number of threads, other factors, and the figure."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence

from msgspec import Struct
from msgspec.structs import replace

from orchestrator.analysis.modelled import Metrics, metrics_of
from orchestrator.analysis.speedup import baselines
from orchestrator.analysis.summary import CellSummary, summarise
from orchestrator.errors import BadInput
from orchestrator.experiment.model import Comparison
from orchestrator.results.records import MetricInfo, RunRecord
from orchestrator.results.runs import RunFolder
from orchestrator.results.store import Store

MODE, THREADS = "mode", "threads"

Key = tuple[tuple[str, str], ...]
"""Levels by factor."""

CellKey = tuple[str, int | None, Key]
"""Mode, threads and the rest: the same in any run of an experiment."""


class Point(Struct, frozen=True):
    """One cell in one environment.

    :ivar mode: its level of ``mode``; empty if the experiment has no such factor.
    :ivar threads: its level of ``threads``, None if it is not a number or there is no such factor.
    :ivar rest: all its other swept levels, without factors that repeat these two.
    :ivar metric: the metric compared or else the headline, or its model where the clock counts instructions; None if
        no trial has it.
    :ivar median: of the metric, in its unit; ``least`` and ``most``: of single trials.
    """

    cell: CellSummary
    mode: str
    threads: int | None
    rest: Key
    metric: MetricInfo | None
    median: float
    least: float
    most: float

    @property
    def environment(self) -> str:
        """Where it was measured."""
        return self.cell.environment

    @property
    def ok(self) -> bool:
        """Whether it has a figure, and none of its trials is 0 or less: a claim can be made of it."""
        return self.metric is not None and self.least > 0

    @property
    def comparable(self) -> bool:
        """Whether it has a figure, and none of its trials is below 0: a claim can be judged by it."""
        return self.metric is not None and self.least >= 0

    @property
    def is_always_zero(self) -> bool:
        """Whether its figure is 0 in every trial."""
        return self.metric is not None and self.least == self.most == 0

    @property
    def outcomes(self) -> frozenset[str]:
        """Statuses of its trials; disturbed and skipped ones count only if there are no others."""
        return frozenset(self.cell.statuses) - {"disturbed", "skipped"} or frozenset(self.cell.statuses)

    @property
    def key(self) -> CellKey:
        """Identity of the cell in any run of the experiment."""
        return (self.mode, self.threads, self.rest)

    def over(self, other: Point) -> float:
        """How many times better it is than another."""
        return self._ratio(self.median, other.median)

    def range_over(self, other: Point) -> tuple[float, float]:
        """Least and greatest ratio of single trials, as :meth:`over` gives for medians."""
        ends = (self._ratio(self.least, other.most), self._ratio(self.most, other.least))
        return min(ends), max(ends)

    def _ratio(self, own: float, other: float) -> float:
        if self.metric is not None and self.metric.better == "lower":
            own, other = other, own
        if other == 0:
            return math.inf if own else 1.0
        return own / other


class Points(Struct, frozen=True):
    """The points of a run, in the order of its plan.

    :ivar comparison: the baseline that the experiment names, or else the first mode of the file.
    :ivar counting: environments whose clock counts instructions.
    :ivar modelled: whether the metric has a model for these environments.
    """

    opening: RunRecord
    all: tuple[Point, ...]
    comparison: Comparison | None
    counting: frozenset[str]
    modelled: bool
    _by_key: Mapping[CellKey, Point]
    _by_cell: Mapping[tuple[str, str], Point]
    _baselines: Mapping[tuple[str, str], tuple[str, str]]

    def at(self, key: CellKey) -> Point | None:
        """Return the point of a cell, None if the run has none."""
        return self._by_key.get(key)

    def with_at_most(self, threads: int) -> Points:
        """Return the same run without points of more threads than this."""
        kept = tuple(point for point in self.all if point.threads is None or point.threads <= threads)
        return replace(self, all=kept, _by_key=_by_key(kept))

    def baseline_of(self, point: Point) -> Point | None:
        """Return the baseline of a point; None if it has none or is the baseline itself."""
        baseline = self._baselines.get(_key(point.cell))
        if baseline is None or baseline == _key(point.cell):
            return None
        return self._by_cell.get(baseline)


def load_points(run: RunFolder) -> Points:
    """Return the points of a run; ``BadInput`` if its journal is empty."""
    with Store(run.path, temporary=True) as store:
        row = store.run(run)
        if row.opening is None:
            raise BadInput(f"{run.journal}: the journal is empty")
        opening = row.opening
        cells = tuple(summarise(store, row))
        metrics = metrics_of(store, row)
    return points_of(opening, cells, metrics.known, metrics.counting)


def points_of(
    opening: RunRecord, cells: Sequence[CellSummary], known: Sequence[MetricInfo], counting: frozenset[str]
) -> Points:
    """Return the points of cells; ``counting``: environments whose clock counts instructions."""
    metrics = Metrics(tuple(known), counting)
    comparison = opening.compare or _by_first_mode(opening)
    points = tuple(_point(cell, opening, comparison, metrics, cells) for cell in cells)
    bases = baselines(cells, comparison, opening.factors) if comparison else ()
    name = comparison.metric if comparison else opening.headline
    return Points(
        opening=opening,
        all=points,
        comparison=comparison,
        _baselines={_key(c): _key(b) for c, b in zip(cells, bases, strict=comparison is not None) if b},
        counting=counting,
        modelled=any(metric.models == name for metric in known),
        _by_key=_by_key(points),
        _by_cell={_key(point.cell): point for point in points},
    )


def _point(
    cell: CellSummary,
    opening: RunRecord,
    comparison: Comparison | None,
    metrics: Metrics,
    cells: Sequence[CellSummary],
) -> Point:
    levels = {factor.name: cell.factors.get(factor.name, "") for factor in opening.factors if factor.levels}
    dropped = {MODE, THREADS, *_following(opening, cells)}
    name = comparison.metric if comparison else opening.headline
    for metric in metrics.readings(name, cell.environment):
        if (estimate := cell.estimate(metric.name)) is not None and metric.better != "neither":
            figures = (estimate.median, estimate.minimum, estimate.maximum)
            break
    else:
        metric, figures = None, (0.0, 0.0, 0.0)
    return Point(
        cell,
        levels.get(MODE, ""),
        int(levels[THREADS]) if levels.get(THREADS, "").isdecimal() else None,
        tuple((name, level) for name, level in levels.items() if name not in dropped),
        metric,
        *figures,
    )


def _key(cell: CellSummary) -> tuple[str, str]:
    return (cell.cell, cell.environment)


def _by_key(points: Sequence[Point]) -> dict[CellKey, Point]:
    """Return the points by key, the first of several."""
    return {point.key: point for point in reversed(points)}


def _following(opening: RunRecord, cells: Sequence[CellSummary]) -> Iterator[str]:
    """Yield the factors that repeat ``threads``, such as a sysctl zipped with it."""
    names = [factor.name for factor in opening.factors if factor.levels]
    if THREADS not in names:
        return
    for name in names:
        pairs = {(cell.factors.get(THREADS, ""), cell.factors.get(name, "")) for cell in cells}
        ones, others = ({pair[side] for pair in pairs} for side in (0, 1))
        if name not in (THREADS, MODE) and len(pairs) == len(ones) == len(others) > 1:
            yield name


def _by_first_mode(opening: RunRecord) -> Comparison | None:
    modes = next((factor.levels for factor in opening.factors if factor.name == MODE), ())
    known = {metric.name: metric for metric in opening.metrics}
    if len(modes) < 2 or opening.headline not in known or known[opening.headline].better == "neither":
        return None
    return Comparison(opening.headline, {MODE: modes[0]})
