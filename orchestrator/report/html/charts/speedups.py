"""The speed-up of each cell over its baseline, and the published one."""

from __future__ import annotations

from collections.abc import Iterator

from markupsafe import Markup

from orchestrator.analysis.speedup import Speedup
from orchestrator.report import text
from orchestrator.report.html import svg
from orchestrator.report.html.figure import Figure, Point, Row
from orchestrator.report.model import Report
from orchestrator.report.tables import cell_name

ROWS = 100
"""Most rows drawn; the tables have all."""

MEASURED, MODELLED, PUBLISHED = 0, 3, 1
"""Series of each kind, which sets mark and colour."""
WORDS = {MEASURED: "measured here", MODELLED: "modelled here", PUBLISHED: "published"}
_HEIGHT = 24.0


def draw(report: Report) -> Figure | None:
    """Draw a row for each cell with a measured, modelled or published speed-up, except baselines."""
    rows = [
        (cell_name(report, cell), speedup)
        for cell, speedup in zip(report.cells, report.speedups, strict=False)
        if speedup.baseline != cell.cell and (speedup.ratio, speedup.published) != (None, None)
    ]
    if not rows:
        return None
    values = [
        value for _, speedup in rows for value in (speedup.ratio, speedup.published) if value is not None
    ]
    values += [speedup.interval.high for _, speedup in rows if speedup.interval is not None]
    scale = svg.from_zero([*values, 1.0], 1.5, 98.5)
    kinds = dict.fromkeys(kind for _, speedup in rows for kind in _kinds(speedup))
    assert report.opening.compare is not None
    notes = [f"Speed-up of {report.opening.compare.metric}; the baseline is 1, above 1 is better."]
    if PUBLISHED in kinds:
        notes.append(
            "Published figures come from another machine and kernel: compare their order, not their values."
        )
    if len(rows) > ROWS:
        notes.append(f"The first {ROWS} of {len(rows)} cells are drawn; the table has all.")
    return Figure(
        key="speed-up",
        title="Speed-up against published" if PUBLISHED in kinds else "Speed-up",
        described="A row for each cell, with its speed-up along x, measured or modelled, and the published one.",
        rows=tuple(
            Row(label, _track(speedup, scale), _words(speedup), tuple(_points(label, speedup)))
            for label, speedup in rows[:ROWS]
        ),
        axis=svg.axis(scale),
        axis_title=text.plain(f"speed-up of {report.opening.compare.metric}, ratio"),
        legend=tuple((svg.key(kind, False), WORDS[kind]) for kind in sorted(kinds)),
        notes=tuple(notes),
    )


def _kinds(speedup: Speedup) -> Iterator[int]:
    if speedup.ratio is not None:
        yield MODELLED if speedup.modelled else MEASURED
    if speedup.published is not None:
        yield PUBLISHED


def _points(row: str, speedup: Speedup) -> Iterator[Point]:
    if speedup.ratio is not None:
        interval = speedup.interval
        low, high = (interval.low, interval.high) if interval else (None, None)
        kind = WORDS[MODELLED if speedup.modelled else MEASURED]
        yield Point(row, kind, speedup.ratio, low, high, _words(speedup))
    if speedup.published is not None:
        yield Point(row, WORDS[PUBLISHED], speedup.published, words=_words(speedup))


def _words(speedup: Speedup) -> str:
    parts = []
    if speedup.ratio is not None:
        parts.append(
            f"{text.ratio(speedup.ratio, speedup.interval)} {'modelled' if speedup.modelled else 'measured'}"
        )
    if speedup.published is not None:
        parts.append(f"{text.ratio(speedup.published)} published")
    return ", ".join(parts)


def _track(speedup: Speedup, scale: svg.Scale) -> Markup:
    """Draw one row; the published mark is a little lower, so that neither hides the other."""
    own, other = _HEIGHT * 0.35, _HEIGHT * 0.65
    parts = [svg.line(scale(tick), 0, scale(tick), _HEIGHT, "grid") for tick in scale.ticks()]
    parts.append(svg.line(scale(1), 0, scale(1), _HEIGHT, "reference"))
    if speedup.ratio is not None and speedup.published is not None:
        parts.append(svg.line(scale(speedup.ratio), own, scale(speedup.published), other, "between"))
    if speedup.published is not None:
        tooltip = f"published: {text.ratio(speedup.published)}"
        parts.append(svg.mark(PUBLISHED, scale(speedup.published), other, tooltip))
    if speedup.ratio is not None:
        kind = MODELLED if speedup.modelled else MEASURED
        if speedup.interval is not None:
            low, high = scale(speedup.interval.low), scale(speedup.interval.high)
            parts.append(svg.line(low, own, high, own, f"spread s{kind}"))
        parts.append(svg.mark(kind, scale(speedup.ratio), own, _words(speedup)))
    return svg.track(parts, _HEIGHT)
