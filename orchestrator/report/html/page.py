"""Fills the template of the HTML report: conclusion, tables, figures, setup, provenance."""

from __future__ import annotations

from orchestrator.report import conclusion, notes, setup, tables, text
from orchestrator.report.html import listing, provenance, summary
from orchestrator.report.html.charts import CHARTS
from orchestrator.report.html.templates import page
from orchestrator.report.model import Report


def render(report: Report) -> str:
    """Return the report as one self-contained HTML document; the same bytes for the same run."""
    figures = [figure for chart in CHARTS if (figure := chart.draw(report))]
    return page(
        "report.html",
        version=report.opening.version,
        title=text.plain(f"{report.opening.experiment}, run {report.opening.run}"),
        report=report,
        summary=summary.summary(report),
        conclusion=conclusion.sentences(report),
        hosts=setup.hosts(report),
        options=setup.options(report),
        figures=figures,
        tables=list(tables.tables(report)) if report.cells else [],
        trials=listing.listing(report),
        unchecked=list(notes.unchecked(report)),
        near=[*notes.damage(report), *notes.rows(report), *notes.labels(report)],
        notes=[*notes.meanings(report), *notes.figures(report), *notes.comparison(report)],
        findings=notes.findings(report),
        reasons=notes.reasons(report),
        provenance=provenance.provenance(report),
    )
