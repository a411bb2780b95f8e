"""Each cell compared with a plain copy of the same bytes, the upper limit of a migration."""

from __future__ import annotations

from collections.abc import Mapping

from markupsafe import Markup

from orchestrator.analysis.points import MODE, THREADS
from orchestrator.analysis.summary import CellSummary, Estimate
from orchestrator.report import text
from orchestrator.report.html import svg
from orchestrator.report.html.cells import COPY
from orchestrator.report.html.figure import Figure, Point, Row
from orchestrator.report.model import Report
from orchestrator.report.tables import cell_name

ROWS = 100
"""Most rows drawn; the tables have all."""
_HEIGHT = 20.0

_Key = tuple[str, ...]


def draw(report: Report) -> Figure | None:
    """Draw a row for each cell with a matching ``copy``: equal in all factors, or in all but the threads."""
    metric = next((m for m in report.opening.metrics if m.name == report.opening.headline), None)
    if metric is None or metric.better != "higher":
        return None
    exact, loose = _roofs(report, metric.name, ()), _roofs(report, metric.name, (THREADS,))
    rows = []
    for cell in report.cells:
        own = cell.estimate(metric.name)
        roof = exact.get(_key(report, cell)) or loose.get(_key(report, cell, (THREADS,)))
        if own and roof and cell.factors.get(MODE) != COPY:
            rows.append((cell_name(report, cell), own, roof))
    if not rows:
        return None
    scale = svg.from_zero([e.median for _, *pair in rows for e in pair], 1.5, 98.5)
    notes = ["Bar: a plain copy of the same memory between the same nodes, without migration."]
    if len(rows) > ROWS:
        notes.append(f"The first {ROWS} of {len(rows)} cells are drawn; the table has all.")
    return Figure(
        key="roofline",
        title=f"{metric.name} against a plain copy, {metric.unit}",
        described=f"A row for each cell: its {metric.name} along x, and a bar at that of a copy of the same bytes.",
        rows=tuple(
            Row(label, _track(own, roof, scale), _words(own, roof), _points(label, own, roof))
            for label, own, roof in rows[:ROWS]
        ),
        axis=svg.axis(scale),
        axis_title=text.plain(f"{metric.name}, {metric.unit}"),
        legend=((svg.key(0, False), "migration"), (svg.bar_key(), "copy")),
        notes=tuple(notes),
    )


def _roofs(report: Report, metric: str, without: _Key) -> Mapping[_Key, Estimate]:
    """Return the copy of each combination of the other factors; the best of several equal ones."""
    copies: dict[_Key, Estimate] = {}
    for cell in report.cells:
        estimate = cell.estimate(metric)
        if cell.factors.get(MODE) == COPY and estimate:
            key = _key(report, cell, without)
            if key not in copies or estimate.median > copies[key].median:
                copies[key] = estimate
    return copies


def _key(report: Report, cell: CellSummary, without: _Key = ()) -> _Key:
    following = report.following()
    names = [n for n in report.factors if n != MODE and n not in without and following.get(n) not in without]
    return (cell.environment, *(cell.factors.get(name, "") for name in names))


def _points(row: str, own: Estimate, roof: Estimate) -> tuple[Point, ...]:
    words = _words(own, roof)
    return Point(row, "migration", own.median, words=words), Point(row, "copy", roof.median, words=words)


def _words(own: Estimate, roof: Estimate) -> str:
    share = f", {own.median / roof.median * 100:.0f} % of {text.number(roof.median)}" if roof.median else ""
    return text.number(own.median) + share


def _track(own: Estimate, roof: Estimate, scale: svg.Scale) -> Markup:
    middle = _HEIGHT / 2
    parts = [svg.line(scale(tick), 0, scale(tick), _HEIGHT, "grid") for tick in scale.ticks()]
    parts.append(svg.line(scale(0), middle, scale(own.median), middle, "stem s0"))
    parts.append(svg.line(scale(roof.median), 1, scale(roof.median), _HEIGHT - 1, "roof"))
    parts.append(svg.mark(0, scale(own.median), middle, _words(own, roof)))
    return svg.track(parts, _HEIGHT)
