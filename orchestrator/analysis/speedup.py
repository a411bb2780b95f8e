"""How much better each cell is than its baseline, measured and published.

A speed-up is the ratio of two medians of the same environment, turned so that more than 1 is better: value over
baseline for a rate, baseline over value for a time. Where the clock counts instructions a model is compared if both
cells have it, else what was measured of both: never one with the other. A model that says of both what was measured of
them, as it does where one thread works alone, models nothing, and the ratio is called measured.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from orchestrator.analysis.intervals import Interval, of_ratio
from orchestrator.analysis.modelled import Metrics, is_modelled
from orchestrator.analysis.summary import CellSummary
from orchestrator.analysis.values import Units
from orchestrator.experiment.model import Comparison, Published
from orchestrator.results.records import FactorInfo, MetricInfo

Values = Callable[[CellSummary, MetricInfo], Units]
"""Gives the values of a metric of a cell, by boot."""

_Key = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Speedup:
    """What one cell is against its baseline in its environment.

    :ivar metric: what was compared, or asked for where there is no ratio.
    :ivar modelled: that metric is a model of the one asked for.
    :ivar baseline: id of the baseline's cell; empty where this environment has none.
    :ivar ratio: None where there is none, for the ``reason`` given.
    :ivar published: the ratio that was published for such a cell, None where none was.
    :ivar interval: of the ratio; None for the reason in ``no_interval``, or where there is nothing to be compared.
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
) -> Iterator[Speedup]:
    """Yield the speed-up of each of the cells, in their order.

    :param factors: those of the run; derived ones follow from the others and do not tell cells apart.
    :param values: asked for the values of a cell and of its baseline, one pair at a time.
    """
    for cell, baseline in zip(cells, baselines(cells, comparison, factors), strict=True):
        metric, ratio, interval, few = comparison.metric, None, None, ""
        for reading in metrics.readings(comparison.metric, cell.environment):
            ratio = _ratio(cell, baseline, reading)
            if ratio is not None:
                interval, few = _interval(cell, baseline, reading, values)
                if any(found and is_modelled(found, reading) for found in (cell, baseline)):
                    metric = reading.name
                break
        yield Speedup(
            metric=metric,
            modelled=metric != comparison.metric,
            baseline=baseline.cell if baseline else "",
            ratio=ratio,
            reason="" if ratio is not None else _reason(cell, baseline, comparison.metric),
            published=published_ratio(comparison.published, cell.factors) if comparison.published else None,
            interval=interval,
            no_interval=few,
        )


def baselines(
    cells: Sequence[CellSummary], comparison: Comparison, factors: Sequence[FactorInfo]
) -> Iterator[CellSummary | None]:
    """Yield the cell that each of the cells is set against, in their order: itself, or None where it has not run."""
    swept = [factor.name for factor in factors if factor.levels]
    by_levels = {(cell.environment, *_key(cell.factors, swept)): cell for cell in cells}
    for cell in cells:
        wanted = _key({**cell.factors, **comparison.baseline}, swept)
        yield by_levels.get((cell.environment, *wanted))


def published_ratio(published: Published, levels: Mapping[str, str]) -> float | None:
    """Return the published speed-up of a cell with these levels, None if there is none."""
    figure = published.figure(levels)
    if figure is None or not figure.baseline:
        return None
    return _better(figure.value, figure.baseline, published.better)


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
    """Return the interval of a ratio that there is; a baseline against itself needs none."""
    if baseline is None or baseline is cell:
        return None, ""
    own, other = values(cell, metric), values(baseline, metric)
    if any(value <= 0 for side in (own, other) for boot in side for value in boot):
        return None, f"a {metric.name} of 0 or less has no ratio"
    sides = (other, own) if metric.better == "lower" else (own, other)
    return of_ratio(*sides, metric.unit)


def _reason(cell: CellSummary, baseline: CellSummary | None, metric: str) -> str:
    """Say why there is no ratio."""
    if cell.estimate(metric) is None:
        return f"it has no {metric}"
    if baseline is None:
        return "its baseline has not run in this environment"
    if baseline.estimate(metric) is None:
        return f"its baseline has no {metric}"
    return f"a {metric} of 0 has no ratio"


def _better(value: float, baseline: float, better: Literal["higher", "lower", "neither"]) -> float:
    return baseline / value if better == "lower" else value / baseline
