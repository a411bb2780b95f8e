"""The ratio of each row of a comparison with its interval, around 1 and the margin."""

from __future__ import annotations

from markupsafe import Markup

from orchestrator.analysis.comparison import Row as Compared
from orchestrator.analysis.verdicts import Verdict
from orchestrator.report import comparison_text, findings
from orchestrator.report.comparison import ComparisonReport
from orchestrator.report.html import svg
from orchestrator.report.html.figure import Figure, Row

ROWS = 100
"""Most rows drawn; the table has all."""
_HEIGHT = 24.0
_SERIES = {Verdict.FASTER: 0, Verdict.SLOWER: 1, Verdict.NO_DIFFERENCE: 2}
_UNDECIDED = svg.SERIES + 3
"""A hollow mark."""


def draw(compared: ComparisonReport) -> Figure | None:
    """Draw a line for each row that has a ratio."""
    rows = [(row, row.ratio) for row in compared.rows if row.ratio is not None]
    if not rows:
        return None
    shown = rows[:ROWS]
    margin = compared.rules.margin
    values = [1 - margin, 1 + margin, *(ratio for _, ratio in shown)]
    values += [limit for row, _ in shown for limit in row.interval or ()]
    step = svg.round_step((max(values) - min(values)) / 8) or 0.01
    scale = svg.Scale(min(values) - step / 2, max(values) + step / 2, 4, 96)
    series = {_series(row): _name(row) for row, _ in shown}
    notes = ["Ratio of the medians; above 1 the new side is better. The line is its interval."]
    if margin:
        notes.append(f"The band is the margin, {margin * 100:g} %: a difference inside it does not matter.")
    if len(rows) > ROWS:
        notes.append(f"The first {ROWS} of {len(rows)} rows are drawn; the table has all.")
    return Figure(
        key="ratios",
        title="Ratios",
        described="A row for each cell, with its ratio and interval along x.",
        rows=tuple(_row(row, ratio, scale, compared) for row, ratio in shown),
        axis=svg.axis(scale),
        legend=tuple((svg.key(number, False), series[number]) for number in sorted(series)),
        notes=tuple(notes),
    )


def _series(row: Compared) -> int:
    return _SERIES.get(row.verdict, _UNDECIDED)


def _name(row: Compared) -> str:
    return str(row.verdict) if row.verdict in _SERIES else "cannot be judged"


def _row(row: Compared, ratio: float, scale: svg.Scale, compared: ComparisonReport) -> Row:
    name = comparison_text.name(row, compared)
    if not comparison_text.only_metric(compared):
        name += f", {row.metric.name}"
    words = findings.ratio_in_words(row, compared)
    return Row(name, _track(row, ratio, scale, compared.rules.margin, words), words)


def _track(row: Compared, ratio: float, scale: svg.Scale, margin: float, words: str) -> Markup:
    middle, number = _HEIGHT / 2, _series(row)
    left, right = scale(1 - margin), scale(1 + margin)
    band = svg.element(
        "rect", x=svg.percent(left), y=0, width=svg.percent(right - left), height=_HEIGHT, class_="band s2"
    )
    parts = [band, *(svg.line(scale(tick), 0, scale(tick), _HEIGHT, "grid") for tick in scale.ticks())]
    parts.append(svg.line(scale(1), 0, scale(1), _HEIGHT, "reference"))
    if row.interval is not None:
        low, high = map(scale, row.interval)
        parts.append(svg.line(low, middle, high, middle, f"spread s{number % svg.SERIES}"))
    parts.append(svg.mark(number, scale(ratio), middle, words))
    return svg.track(parts, _HEIGHT)
