"""Fills the template of the HTML page of a comparison: findings, table, chart, what would be enough, metadata."""

from __future__ import annotations

from orchestrator import __version__
from orchestrator.report import comparison_text, findings, text
from orchestrator.report.comparison import ComparisonReport
from orchestrator.report.html.charts import ratios
from orchestrator.report.html.templates import ROWS, page
from orchestrator.terminal import command_line

_RIGHT = ("baseline", "new", "ratio", "p")


def render(compared: ComparisonReport) -> str:
    """Return the comparison as one self-contained HTML document."""
    rules = compared.rules
    metric = comparison_text.only_metric(compared)
    table = [comparison_text.HEADINGS, *comparison_text.table(compared)[:ROWS]]
    headings, *rows = [[*row[:1], *row[2:]] if metric else list(row) for row in table]
    notes = [note for note in comparison_text.notes(compared) if note != text.plain(compared.difference)]
    return page(
        "comparison.html",
        version=__version__,
        title=comparison_text.title(compared),
        compared=compared,
        summary=findings.summary(compared),
        findings=list(findings.sentences(compared)),
        headings=headings,
        alignment=["right" if heading in _RIGHT else "left" for heading in headings],
        rows=rows,
        caption=metric or "All cells",
        figure=ratios.draw(compared),
        remedies=[
            (sentence, [command_line(command) for command in commands])
            for sentence, commands in comparison_text.remedies(compared)
        ],
        notes=notes,
        excluded=comparison_text.excluded(compared),
        metadata=[
            *compared.metadata,
            ("Confidence", f"{rules.confidence * 100:g} %"),
            ("Margin", f"{rules.margin * 100:g} %"),
            ("Sampling unit", rules.unit),
            ("Made by", f"orchestrate {__version__}"),
        ],
    )
