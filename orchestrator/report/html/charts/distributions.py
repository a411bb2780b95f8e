"""The distribution of the headline metric in each cell: a point for each trial, boots separately."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Mapping, Sequence

from markupsafe import Markup
from msgspec import Struct

from orchestrator.analysis.summary import QUARTILES_FROM, CellSummary, Estimate
from orchestrator.report import text
from orchestrator.report.html import svg
from orchestrator.report.html.figure import Figure, Point, Row
from orchestrator.report.model import Report
from orchestrator.report.tables import cell_name
from orchestrator.results.records import MetricInfo

ROWS = 60
"""Most rows drawn; the tables have all."""
POINTS = 6000
"""Approximate limit of points drawn, shared by the rows."""
LEAST_POINTS = 50
"""Points that a row may have in any case."""

_HEIGHT = 34.0
_LANES = 8
"""Boots are drawn one above the other in a row; further boots reuse the lanes."""
_APART = 13.0
"""Least distance of ticks in percent of the axis, so that labels fit on a phone."""
_START, _END = 6.0, 94.0
"""Percent of the width; labels extend beyond the ends."""
_LEAST = 0.02
"""Percent; the axis reaches at least so far to each side."""

_Key = tuple[str, str]
"""Cell and environment."""
_Points = list[tuple[float, str, str]]
"""Value, boot and trial."""


class _Scale(Struct, frozen=True):
    """Linear scale of deviations in percent."""

    inner: svg.Scale

    @classmethod
    def of(cls, deviations: Sequence[float]) -> _Scale:
        low, high = min(deviations, default=0.0) * 1.05, max(deviations, default=0.0) * 1.05
        # Both sides of the median are there, also if all values are on one.
        aside = max(_LEAST, (high - low) / 8)
        return cls(svg.Scale(min(low, -aside), max(high, aside), _START, _END))

    def __call__(self, deviation: float) -> float:
        return self.inner(deviation)

    def ticks(self) -> Iterator[float]:
        """Yield round deviations inside the axis, far enough apart for their labels, on both sides of zero."""
        positions: list[float] = []
        wide = self.inner.ticks(5)
        fine = (tick for wanted in (10, 20, 40) for tick in self.inner.ticks(wanted))
        for tick in (0.0, *wide, *(tick for tick in fine if not any(tick * other > 0 for other in wide))):
            position = self(tick)
            if _START <= position <= _END and all(abs(position - other) > _APART for other in positions):
                positions.append(position)
                yield round(tick, 12)


def draw(report: Report) -> Figure | None:
    """Draw a row for each cell, of the first metric in the tables."""
    if not report.shown:
        return None
    metric = report.shown[0]
    shown = [
        (cell, estimate)
        for cell in report.cells
        if (estimate := cell.estimate(metric.name)) and estimate.median
    ]
    if not shown:
        return None
    drawn = shown[:ROWS]
    points = _points(report, metric, [cell for cell, _ in drawn])
    limit = max(LEAST_POINTS, POINTS // len(drawn))
    thinned = {key: _thin(values, limit) for key, values in points.items()}
    boots = {boot: f"boot {n}" for n, boot in enumerate(dict.fromkeys(b.boot for b in report.blocks), 1)}
    scale = _Scale.of([_deviation(v, e) for c, e in drawn for v, _, _ in thinned[c.cell, c.environment]])
    return Figure(
        key="distributions",
        title=f"Every trial: {metric.name}, % from the median of its cell",
        described=f"A row for each cell; a point is the {metric.name} of a trial, in percent from the cell's median.",
        rows=tuple(
            Row(
                cell_name(report, cell),
                _track(
                    thinned[cell.cell, cell.environment],
                    _box([value for value, _, _ in points[cell.cell, cell.environment]]),
                    estimate,
                    scale,
                ),
                _words(estimate, len({boot for _, boot, _ in points[cell.cell, cell.environment]})),
                tuple(
                    Point(
                        cell_name(report, cell),
                        boots.get(boot, boot),
                        _deviation(value, estimate),
                        words=_tooltip(value, trial),
                    )
                    for value, boot, trial in thinned[cell.cell, cell.environment]
                ),
            )
            for cell, estimate in drawn
        ),
        axis=_axis(scale),
        axis_title=text.plain(f"{metric.name}, % from the median of the cell"),
        notes=tuple(_notes(points, thinned, len(shown), len(drawn))),
    )


def _points(report: Report, metric: MetricInfo, cells: Sequence[CellSummary]) -> Mapping[_Key, _Points]:
    points: dict[_Key, _Points] = {(cell.cell, cell.environment): [] for cell in cells}
    for trial in report.read_trials([metric.name]):
        kept = points.get((trial.cell, trial.environment))
        if kept is not None and trial.final and trial.status == "ok" and metric.name in trial.metrics:
            kept.append((trial.metrics[metric.name], trial.boot, trial.id))
    return points


def _thin(points: _Points, limit: int) -> _Points:
    """Keep ``limit`` points evenly spaced by rank, with the least and the greatest."""
    if len(points) <= limit:
        return points
    ranked = sorted(points)
    return [ranked[round(n * (len(ranked) - 1) / (limit - 1))] for n in range(limit)]


def _notes(
    points: Mapping[_Key, _Points], thinned: Mapping[_Key, _Points], cells: int, drawn: int
) -> Iterator[str]:
    yield (
        f"Line: median. Box: first to third quartile (of fewer than {QUARTILES_FROM} trials: least to greatest). Boots "
        "are drawn one above the other."
    )
    all_points, kept = (sum(map(len, each.values())) for each in (points, thinned))
    if kept < all_points:
        yield (
            f"{kept} of {all_points} trials are drawn: evenly spaced by rank in each row, with least and greatest."
        )
    if drawn < cells:
        yield f"The first {drawn} of {cells} cells are drawn; the table has all."


def _deviation(value: float, estimate: Estimate) -> float:
    return (value / estimate.median - 1) * 100


def _box(values: Sequence[float]) -> tuple[float, float]:
    """Return the quartiles as defined for the spread in reports; with few values, least and greatest."""
    if len(values) < QUARTILES_FROM:
        return min(values), max(values)
    lower, _, upper = statistics.quantiles(values, n=4, method="inclusive")
    return lower, upper


def _words(estimate: Estimate, boots: int) -> str:
    several = f" in {boots} boots" if boots > 1 else ""
    return f"{text.estimate(estimate)}, n = {estimate.n}{several}"


def _track(points: _Points, box: tuple[float, float], estimate: Estimate, scale: _Scale) -> Markup:
    parts = [svg.line(scale(tick), 0, scale(tick), _HEIGHT, "grid") for tick in scale.ticks()]
    left, right = sorted(scale(_deviation(end, estimate)) for end in box)
    if right > left:
        parts.append(
            svg.element("rect", x=svg.percent(left), y=3, width=svg.percent(right - left), height=_HEIGHT - 6,
                        class_="box")
        )  # fmt: skip
    parts.append(svg.line(scale(0), 1, scale(0), _HEIGHT - 1, "median"))
    boots = {boot: index for index, boot in enumerate(dict.fromkeys(boot for _, boot, _ in points))}
    lanes = min(_LANES, len(boots)) or 1
    for n, (value, boot, trial) in enumerate(points):
        lane = (boots[boot] % lanes + 0.5) / lanes
        aside = (n % 3 - 1) * min(3.0, 8.0 / lanes)
        parts.append(
            svg.element("circle", svg.element("title", _tooltip(value, trial)),
                        cx=svg.percent(scale(_deviation(value, estimate))),
                        cy=_HEIGHT * lane + aside, r=3, class_="dot s0")
        )  # fmt: skip
    return svg.track(parts, _HEIGHT)


def _tooltip(value: float, trial: str) -> str:
    return f"trial {trial}: {text.number(value)}"


def _axis(scale: _Scale) -> Markup:
    labels = [svg.label(f"{tick:+g} %" if tick else "0", scale(tick), 13) for tick in scale.ticks()]
    return svg.track(labels, 18)
