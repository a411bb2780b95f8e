"""The spread of the headline figure in each cell, every trial a point, boots apart."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from orchestrator.analysis.summary import QUARTILES_FROM, CellSummary, Estimate
from orchestrator.report import text
from orchestrator.report.html import svg
from orchestrator.report.html.cells import name
from orchestrator.report.html.figure import Figure, Row
from orchestrator.report.model import Report
from orchestrator.results.records import MetricInfo

ROWS = 60
"""No more rows than that are drawn; the tables have all."""
POINTS = 6000
"""About so many points are drawn at most, shared by the rows."""
LEAST_POINTS = 50
"""So many points a row may have in any case."""

_HEIGHT = 34.0
_LANES = 8
"""Boots lie one above the other in a row, so many at most; then they begin anew."""
_DECADES = (0.01, 0.1, 1.0, 10.0, 100.0, 1000.0)
_TICKS = (0.0, *(sign * part * decade for part in (1, 5, 2) for decade in _DECADES for sign in (-1, 1)))
"""The more important ones first."""
_APART = 13.0
"""Percent of the axis from one tick to the next, so that their labels find room on a telephone."""
_START, _END = 6.0, 94.0
"""Percent of the width; labels reach over the ends."""
_LINEAR_LEAST = 0.02
"""Percent; differences below this lie on top of each other."""

_Key = tuple[str, str]
"""Cell and environment."""
_Points = list[tuple[float, str, str]]
"""Value, boot and trial."""


@dataclass(frozen=True, slots=True)
class _Scale:
    """Places deviations in percent: linear about zero, logarithmic further out, so that outliers leave others room."""

    linear: float
    inner: svg.Scale

    @classmethod
    def of(cls, deviations: Sequence[float]) -> _Scale:
        typical = statistics.median(map(abs, deviations)) if deviations else 0.0
        linear = max(_LINEAR_LEAST, typical)
        ends = [
            math.asinh(end * 1.05 / linear)
            for end in (min(deviations, default=0.0), max(deviations, default=0.0))
        ]
        reach = max(*map(abs, ends), math.asinh(1.0))
        return cls(linear, svg.Scale(min(ends[0], -reach / 4), max(ends[1], reach / 4), _START, _END))

    def __call__(self, deviation: float) -> float:
        return self.inner(math.asinh(deviation / self.linear))

    def ticks(self) -> Iterator[float]:
        """Round deviations that are in sight and far enough apart to be read."""
        places: list[float] = []
        for tick in _TICKS:
            place = self(tick)
            if _START <= place <= _END and all(abs(place - other) > _APART for other in places):
                places.append(place)
                yield tick


def draw(report: Report) -> Figure | None:
    """Draw a row for each of the first cells, of the first metric that tables show."""
    if not report.shown:
        return None
    metric = report.shown[0]
    shown = [(cell, found) for cell in report.cells if (found := cell.estimate(metric.name)) and found.median]
    if not shown:
        return None
    drawn = shown[:ROWS]
    points = _points(report, metric, [cell for cell, _ in drawn])
    limit = max(LEAST_POINTS, POINTS // len(drawn))
    thinned = {key: _thin(found, limit) for key, found in points.items()}
    scale = _Scale.of([_deviation(v, e) for c, e in drawn for v, _, _ in thinned[c.cell, c.environment]])
    return Figure(
        key="distributions",
        title=f"Every trial: {metric.name}, % from the median of its cell",
        described=f"A row for each cell; a point is the {metric.name} of a trial, in percent from the cell's median.",
        rows=tuple(
            Row(
                name(report, cell),
                _track(
                    thinned[cell.cell, cell.environment],
                    _box([value for value, _, _ in points[cell.cell, cell.environment]]),
                    found,
                    scale,
                ),
                _words(found, len({boot for _, boot, _ in points[cell.cell, cell.environment]})),
            )
            for cell, found in drawn
        ),
        axis=_axis(scale),
        notes=tuple(_notes(scale, points, thinned, len(shown), len(drawn))),
    )


def _points(report: Report, metric: MetricInfo, cells: Sequence[CellSummary]) -> Mapping[_Key, _Points]:
    found: dict[_Key, _Points] = {(cell.cell, cell.environment): [] for cell in cells}
    for trial in report.read_trials([metric.name]):
        kept = found.get((trial.cell, trial.environment))
        if kept is not None and trial.final and trial.status == "ok" and metric.name in trial.metrics:
            kept.append((trial.metrics[metric.name], trial.boot, trial.id))
    return found


def _thin(points: _Points, limit: int) -> _Points:
    """Keep ``limit`` points evenly spaced by rank, the least and the greatest among them."""
    if len(points) <= limit:
        return points
    ranked = sorted(points)
    return [ranked[round(place * (len(ranked) - 1) / (limit - 1))] for place in range(limit)]


def _notes(
    scale: _Scale, points: Mapping[_Key, _Points], thinned: Mapping[_Key, _Points], cells: int, drawn: int
) -> Iterator[str]:
    yield (
        f"The line is the median, the box reaches from quartile to quartile (below {QUARTILES_FROM} trials from the "
        "least to the greatest); boots lie one above the other. The axis is linear up to about "
        f"{scale.linear:.2g} % and logarithmic beyond."
    )
    all_points, kept = (sum(map(len, found.values())) for found in (points, thinned))
    if kept < all_points:
        yield (
            f"{kept} of {all_points} trials are drawn: in each row evenly spaced by rank, the least and the greatest "
            "always among them."
        )
    if drawn < cells:
        yield f"The first {drawn} of {cells} cells are drawn; the table has all."


def _deviation(value: float, found: Estimate) -> float:
    return (value / found.median - 1) * 100


def _box(found: Sequence[float]) -> tuple[float, float]:
    """The quartiles, by the definition of the reports' spread, or where that takes the range, its ends."""
    if len(found) < QUARTILES_FROM:
        return min(found), max(found)
    lower, _, upper = statistics.quantiles(found, n=4, method="inclusive")
    return lower, upper


def _words(found: Estimate, boots: int) -> str:
    several = f" in {boots} boots" if boots > 1 else ""
    return f"{text.estimate(found)}, n = {found.n}{several}"


def _track(points: _Points, box: tuple[float, float], found: Estimate, scale: _Scale) -> Markup:
    parts = [svg.line(scale(tick), 0, scale(tick), _HEIGHT, "grid") for tick in scale.ticks()]
    left, right = sorted(scale(_deviation(end, found)) for end in box)
    if right > left:
        parts.append(
            svg.element("rect", x=svg.percent(left), y=3, width=svg.percent(right - left), height=_HEIGHT - 6,
                        class_="box")
        )  # fmt: skip
    parts.append(svg.line(scale(0), 1, scale(0), _HEIGHT - 1, "median"))
    boots = {boot: index for index, boot in enumerate(dict.fromkeys(boot for _, boot, _ in points))}
    lanes = min(_LANES, len(boots)) or 1
    for place, (value, boot, trial) in enumerate(points):
        lane = (boots[boot] % lanes + 0.5) / lanes
        aside = (place % 3 - 1) * min(3.0, 8.0 / lanes)
        told = f"trial {trial}: {text.number(value)}"
        parts.append(
            svg.element("circle", svg.element("title", told), cx=svg.percent(scale(_deviation(value, found))),
                        cy=_HEIGHT * lane + aside, r=3, class_="dot s0")
        )  # fmt: skip
    return svg.track(parts, _HEIGHT)


def _axis(scale: _Scale) -> Markup:
    labels = [svg.label(f"{tick:+g} %" if tick else "0", scale(tick), 13) for tick in scale.ticks()]
    return svg.track(labels, 18)
