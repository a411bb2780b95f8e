"""Fills the template of the HTML report: conclusion, tables, figures, setup, provenance."""

from __future__ import annotations

from importlib.resources import files

import jinja2
from markupsafe import Markup

from orchestrator.report import conclusion, notes, setup, tables, text
from orchestrator.report.html import listing, provenance, summary
from orchestrator.report.html.charts import distributions, roofline, speedups, threads, timeline
from orchestrator.report.model import Report

CHARTS = (threads, speedups, roofline, distributions, timeline)
ROWS = 5000
"""Most rows of a table; a page with more is slow to sort."""


def render(report: Report) -> str:
    """Return the report as one self-contained HTML document; the same bytes for the same run."""
    template = _environment().get_template("template.html")
    figures = [figure for chart in CHARTS if (figure := chart.draw(report))]
    return template.render(
        title=text.plain(f"{report.opening.experiment}, run {report.opening.run}"),
        report=report,
        summary=summary.summary(report),
        conclusion=conclusion.sentences(report),
        hosts=setup.hosts(report),
        options=setup.options(report),
        figures=figures,
        tables=list(tables.tables(report)) if report.cells else [],
        most_rows=ROWS,
        trials=listing.listing(report),
        notes=list(notes.notes(report)),
        findings=notes.findings(report),
        reasons=notes.reasons(report),
        provenance=provenance.provenance(report),
        style=_verbatim("style.css"),
        script=_verbatim("table.js"),
    )


def _environment() -> jinja2.Environment:
    return jinja2.Environment(
        loader=jinja2.FunctionLoader(_file),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        finalize=_printable,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )


def _verbatim(name: str) -> Markup:
    return Markup(_file(name))  # nosec B704 # a file of this package


def _file(name: str) -> str:
    return files(__package__).joinpath(name).read_text(encoding="utf-8")


def _printable(value: object) -> object:
    """Replace characters that HTML does not allow; text of benchmarks and hosts may contain any."""
    if isinstance(value, Markup) or not isinstance(value, str):
        return value
    return "".join(c if c.isprintable() or c in "\n\t" else "\N{REPLACEMENT CHARACTER}" for c in value)
