"""Speed-up of each cell over its baseline, measured and published.

A speed-up is the ratio of two medians of the same environment. Above 1 is better: value over baseline for a rate,
baseline over value for a time. Where the clock counts instructions, modelled figures are compared if both cells have
them, else measured ones; never one with the other. If the modelled figures of both cells equal the measured ones, as
with one working thread, the ratio counts as measured.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Literal

from msgspec import Struct

from orchestrator.analysis.intervals import Interval, of_ratio
from orchestrator.analysis.modelled import Metrics, is_modelled
from orchestrator.analysis.summary import CellSummary
from orchestrator.analysis.values import Units
from orchestrator.experiment.model import Comparison, Published
from orchestrator.results.records import FactorInfo, MetricInfo

Values = Callable[[CellSummary, MetricInfo], Units]
"""Returns the values of a metric of a cell, by boot."""

_Key = tuple[str, ...]


class Speedup(Struct, frozen=True):
    """Speed-up of one cell over its baseline in its environment.

    :ivar metric: the metric compared, or the requested one if there is no ratio.
    :ivar modelled: whether that metric is a model of the requested one.
    :ivar baseline: id of the baseline's cell; empty if this environment has none.
    :ivar ratio: above 1 is better; None for the ``reason``.
    :ivar published: the published ratio of such a cell, None if there is none.
    :ivar interval: of the ratio; None for the reason in ``no_interval``, or if there is nothing to compare.
    """

    metric: str
    modelled: bool
    baseline: str
    ratio: float | None
    reason: str
    published: float | None
    interval: Interval | None = None
    no_interval: str = ""


def speedups(
    cells: Sequence[CellSummary],
    comparison: Comparison,
    factors: Sequence[FactorInfo],
    metrics: Metrics,
    values: Values,
    is_selection: bool = False,
) -> Iterator[Speedup]:
    """Yield the speed-up of each of the cells, in their order.

    :param is_selection: whether the cells are all that were selected, and others were not: a baseline that is none of
        them was not selected.
    :param factors: factors of the run; derived ones follow from the others and do not distinguish cells.
    :param values: called for a cell and for its baseline, one pair at a time.
    """
    swept = _swept(factors)
    ran = {_key(cell.factors, swept) for cell in cells}
    for cell, baseline in zip(cells, baselines(cells, comparison, factors), strict=True):
        selected = not is_selection or _baseline_key(cell, comparison, swept) in ran
        metric, ratio, interval, few = comparison.metric, None, None, ""
        for reading in metrics.readings(comparison.metric, cell.environment):
            ratio = _ratio(cell, baseline, reading)
            if ratio is not None:
                interval, few = _interval(cell, baseline, reading, values)
                if any(side and is_modelled(side, reading) for side in (cell, baseline)):
                    metric = reading.name
                break
        yield Speedup(
            metric=metric,
            modelled=metric != comparison.metric,
            baseline=baseline.cell if baseline else "",
            ratio=ratio,
            reason="" if ratio is not None else _reason(cell, baseline, comparison.metric, selected),
            published=published_ratio(comparison.published, cell.factors) if comparison.published else None,
            interval=interval,
            no_interval=few,
        )


def baselines(
    cells: Sequence[CellSummary], comparison: Comparison, factors: Sequence[FactorInfo]
) -> Iterator[CellSummary | None]:
    """Yield the baseline of each of the cells, in their order: the cell itself if it is one, None if it has not run."""
    swept = _swept(factors)
    by_levels = {(cell.environment, *_key(cell.factors, swept)): cell for cell in cells}
    for cell in cells:
        yield by_levels.get((cell.environment, *_baseline_key(cell, comparison, swept)))


def published_ratio(published: Published, levels: Mapping[str, str]) -> float | None:
    """Return the published speed-up of a cell with these levels, None if there is none."""
    figure = published.figure(levels)
    if figure is None or not figure.baseline:
        return None
    return _better(figure.value, figure.baseline, published.better)


def _swept(factors: Sequence[FactorInfo]) -> list[str]:
    return [factor.name for factor in factors if factor.levels]


def _baseline_key(cell: CellSummary, comparison: Comparison, swept: Sequence[str]) -> _Key:
    return _key({**cell.factors, **comparison.baseline}, swept)


def _key(levels: Mapping[str, str], names: Sequence[str]) -> _Key:
    return tuple(levels.get(name, "") for name in names)


def _ratio(cell: CellSummary, baseline: CellSummary | None, metric: MetricInfo) -> float | None:
    own = cell.estimate(metric.name)
    other = baseline.estimate(metric.name) if baseline else None
    if own is None or other is None or own.median <= 0 or other.median <= 0:
        return None
    return _better(own.median, other.median, metric.better)


def _interval(
    cell: CellSummary, baseline: CellSummary | None, metric: MetricInfo, values: Values
) -> tuple[Interval | None, str]:
    """Return the interval of an existing ratio, or the reason for none; a baseline has neither."""
    if baseline is None or baseline is cell:
        return None, ""
    own, other = values(cell, metric), values(baseline, metric)
    if any(value <= 0 for side in (own, other) for boot in side for value in boot):
        return None, f"a {metric.name} of 0 or less has no ratio"
    sides = (other, own) if metric.better == "lower" else (own, other)
    return of_ratio(*sides, metric.unit)


def _reason(cell: CellSummary, baseline: CellSummary | None, metric: str, selected: bool) -> str:
    """Return why there is no ratio."""
    if cell.estimate(metric) is None:
        return f"no {metric}"
    if not selected:
        return "--where or --first leaves the baseline out"
    if baseline is None:
        return "the baseline has not run in this environment"
    if baseline.estimate(metric) is None:
        return f"the baseline has no {metric}"
    return f"a {metric} of 0 has no ratio"


def _better(value: float, baseline: float, better: Literal["higher", "lower", "neither"]) -> float:
    return baseline / value if better == "lower" else value / baseline
