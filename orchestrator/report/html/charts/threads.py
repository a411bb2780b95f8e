"""Figures by number of threads (or another swept number), with a series for each mode."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence

from markupsafe import Markup
from msgspec import Struct
from msgspec.structs import replace

from orchestrator.analysis.points import MODE
from orchestrator.analysis.summary import CellSummary, Estimate
from orchestrator.report import text
from orchestrator.report.html import svg
from orchestrator.report.html.cells import KERNEL, is_amount, number, numeric
from orchestrator.report.html.figure import Figure, Panel, Point
from orchestrator.report.model import Report
from orchestrator.results.records import MetricInfo

PANELS = 24
"""Most panels drawn for a metric; the tables have all."""
PHONE = 320.0
"""Pixels of an axis on a phone, on which its labels fit."""
LONGEST = 12
"""Characters of a label on the axis."""

_HEIGHT, _TOP, _BOTTOM = 280.0, 12.0, 34.0
_LEFT, _RIGHT = 3.0, 97.0
_SPREAD = 0.5
"""Part of the distance between levels over which series are spread, so that they do not hide each other."""
_MOST = 3.0
"""Most of the width, in percent, that the marks of amounts are moved to the sides."""


class _Frame(Struct, frozen=True):
    """The settings that all panels share: the factor on x with its levels, the factor of the series, all series."""

    x: str
    levels: tuple[str, ...]
    by: str | None
    series: tuple[str, ...]
    joined: bool
    """Whether lines join the marks of a series: if the factor, and all that follow it, are amounts."""
    places: Mapping[str, float]
    """Position of each level along x in percent: in proportion if levels are amounts, else side by side."""

    def series_of(self, cell: CellSummary) -> str:
        name = cell.factors.get(self.by, text.NOTHING) if self.by else "all"
        return text.plain(f"{name} [{cell.label}]" if cell.label else name)

    def position(self, cell: CellSummary) -> float:
        """Return the position along x in percent; series at one level are side by side."""
        aside = (self.series.index(self.series_of(cell)) + 0.5) / len(self.series) - 0.5
        return self.places[cell.factors[self.x]] + aside * self.room

    @property
    def room(self) -> float:
        """Part of the width, in percent, that the marks of one level share."""
        places = sorted(self.places.values())
        nearest = min((b - a for a, b in itertools.pairwise(places)), default=_RIGHT - _LEFT)
        return min(_MOST, nearest * _SPREAD) if self.joined and self.x != KERNEL else nearest * _SPREAD


def draw(report: Report) -> Figure | None:
    """Draw one panel for each metric that tables show and each combination of the other factors."""
    x = numeric(report)
    if x is None:
        return None
    cells = [cell for cell in report.cells if cell.n and x in cell.factors]
    if not cells:
        return None
    followers = _following(report, x)
    frame = _frame(report, x, cells, followers)
    cells_by_panel = _groups(
        report, [name for name in report.varying() if name not in (x, frame.by, *followers)], cells
    )
    groups = [panels for metric in report.shown if (panels := _panels(frame, metric, cells_by_panel))]
    if not groups:
        return None
    notes = [
        "Marks: medians of ok trials. Vertical lines: their intervals or, without one, one spread up and down. "
        "Cells without a figure have no mark."
    ]
    for follower, at in followers.items():
        levels = ", ".join(f"{at[level]} at {level}" for level in frame.levels)
        notes.append(text.plain(f"{follower} follows {x}: {levels}."))
    if len(cells_by_panel) > PANELS:
        notes.append(
            f"{PANELS} of {len(cells_by_panel)} panels of a metric are drawn; the table of all cells has the others."
        )
    return Figure(
        key="by-number",
        title=text.plain(f"Figures by {x}" + (f" and {frame.by}" if frame.by else "")),
        described=f"Panels of {x} along x and a figure along y, with a series for each {frame.by or 'cell'}.",
        groups=tuple(groups),
        legend=tuple((svg.key(index, frame.joined), name) for index, name in enumerate(frame.series)),
        notes=tuple(notes),
    )


def _frame(
    report: Report, x: str, cells: Sequence[CellSummary], followers: Mapping[str, Mapping[str, str]]
) -> _Frame:
    others = [name for name in report.varying() if name != x]
    by = MODE if MODE in others else next((name for name in others if name == KERNEL), None)
    few = (name for name in others if len({cell.factors.get(name) for cell in cells}) <= 2 * svg.SERIES)
    by = by or next(few, None)
    levels = list(dict.fromkeys(cell.factors[x] for cell in cells))
    if x != KERNEL:  # those are in the order of the file: as numbers, 6.12 would come before 6.6
        levels.sort(key=lambda level: number(level) or 0.0)
    joined = is_amount(x, levels) and all(is_amount(name, at.values()) for name, at in followers.items())
    frame = _Frame(x, tuple(levels), by, (), joined, _places(x, levels, joined, report.log_x))
    return replace(frame, series=tuple(dict.fromkeys(map(frame.series_of, cells))))


def _places(x: str, levels: Sequence[str], joined: bool, log: bool) -> Mapping[str, float]:
    numbers = [number(level) for level in levels]
    amounts = [value for value in numbers if value is not None]
    if not joined or x == KERNEL or len(amounts) < len(levels):
        width = (_RIGHT - _LEFT) / len(levels)
        return {level: _LEFT + width * (index + 0.5) for index, level in enumerate(levels)}
    if log and min(amounts) > 0:
        amounts = [math.log2(amount) for amount in amounts]
    scale = svg.Scale(min(amounts), max(amounts), _LEFT + _MOST, _RIGHT - _MOST)
    return dict(zip(levels, map(scale, amounts), strict=True))


def _following(report: Report, x: str) -> dict[str, dict[str, str]]:
    """Return the factors with only one level at each level of ``x``, such as zipped ones, with these levels."""
    levels_of: dict[str, dict[str, str]] = {}
    for name in report.varying():
        levels = {(cell.factors.get(x, ""), cell.factors.get(name, "")) for cell in report.cells}
        if name != x and len(levels) == len({level for level, _ in levels}):
            levels_of[name] = dict(sorted(levels))
    return levels_of


def _groups(
    report: Report, aside: Sequence[str], cells: Sequence[CellSummary]
) -> Mapping[str, Sequence[CellSummary]]:
    """Return the cells of each panel by its heading; environments are never in one panel."""
    groups: dict[str, list[CellSummary]] = {}
    for cell in cells:
        words = [f"{name} {cell.factors.get(name, text.NOTHING)}" for name in aside]
        words += [cell.environment] if len(report.environments) > 1 else []
        groups.setdefault(text.plain(", ".join(words)), []).append(cell)
    return groups


def _panels(
    frame: _Frame, metric: MetricInfo, groups: Mapping[str, Sequence[CellSummary]]
) -> tuple[Panel, ...]:
    """Draw the first panels of a metric, without empty ones."""
    panels = []
    for group_name, group in itertools.islice(groups.items(), PANELS):
        points = [(cell, estimate) for cell in group if (estimate := cell.estimate(metric.name))]
        heading = ", ".join(filter(None, (text.plain(f"{metric.name}, {metric.unit}"), group_name)))
        if points:
            axis = text.plain(f"{metric.name}, {metric.unit}")
            drawing = _panel(frame, metric, points, heading)
            data = tuple(_point(frame, metric, *point) for point in points)
            panels.append(Panel(heading, drawing, axis, frame.x, frame.joined, data))
    return tuple(panels)


def _point(frame: _Frame, metric: MetricInfo, cell: CellSummary, estimate: Estimate) -> Point:
    name, level = frame.series_of(cell), cell.factors[frame.x]
    figure = f"{text.estimate(estimate)} {metric.unit}, n = {estimate.n}"
    return Point(level, name, estimate.median, *_bar(estimate), f"{name}, {frame.x} {level}: {figure}")


def _bar(estimate: Estimate) -> tuple[float, float]:
    """Return the interval of a median or, without one, one spread to each side."""
    if estimate.interval is not None:
        return estimate.interval.low, estimate.interval.high
    spread = estimate.spread.value or 0.0
    return estimate.median - spread, estimate.median + spread


def _panel(
    frame: _Frame, metric: MetricInfo, points_shown: Sequence[tuple[CellSummary, Estimate]], heading: str
) -> Markup:
    tops = [_bar(estimate)[1] for _, estimate in points_shown]
    scale = svg.from_zero(tops, _HEIGHT - _BOTTOM, _TOP)
    parts = [*_axes(frame, scale)]
    for index, name in enumerate(frame.series):
        points = sorted(
            (
                (frame.position(cell), cell, estimate)
                for cell, estimate in points_shown
                if frame.series_of(cell) == name
            ),
            key=lambda point: point[0],
        )
        pairs = itertools.pairwise(points) if frame.joined else ()
        parts += [
            svg.line(x1, scale(a.median), x2, scale(b.median), f"curve s{index % svg.SERIES}")
            for (x1, _, a), (x2, _, b) in pairs
        ]
        for x, cell, estimate in points:
            low, high = _bar(estimate)
            parts.append(svg.line(x, scale(low), x, scale(high), f"spread s{index % svg.SERIES}"))
            words = _point(frame, metric, cell, estimate).words
            parts.append(svg.mark(index, x, scale(estimate.median), words))
    values = "; ".join(
        f"{frame.series_of(cell)} at {cell.factors[frame.x]}: {text.number(estimate.median)}"
        for cell, estimate in points_shown
    )
    return svg.picture(parts, _HEIGHT, heading, f"By {frame.x}: {values}")


def _axes(frame: _Frame, scale: svg.Scale) -> Iterator[Markup]:
    for tick in scale.ticks(4):
        yield svg.line(0.0, scale(tick), 100.0, scale(tick), "zero" if tick == 0 else "grid")
        yield svg.label(svg.short(tick), 0.0, scale(tick) + 4, "end", dx=-6)
    for level in _labelled(frame.places):
        yield svg.label(text.plain(level, LONGEST), frame.places[level], _HEIGHT - _BOTTOM + 16)
    yield svg.label(text.plain(frame.x, 40), 50.0, _HEIGHT - 3, class_="axis")


def _labelled(places: Mapping[str, float]) -> list[str]:
    """Return the levels whose labels fit beside each other: the last one, and the others from the first."""
    *others, last = sorted(places, key=lambda level: places[level])
    chosen = [last]
    for level in others:
        if all(abs(places[level] - places[other]) >= _room_of_labels(level, other) for other in chosen):
            chosen.append(level)
    return sorted(chosen, key=lambda level: places[level])


def _room_of_labels(*levels: str) -> float:
    """Return the least distance of two labels in percent; a character is about 7 pixels wide."""
    pixels = sum(min(len(level), LONGEST) * 7 / 2 for level in levels) + 6
    return pixels / PHONE * 100
