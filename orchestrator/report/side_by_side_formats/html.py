"""One self-contained HTML file: what differs, then a table for each metric."""

from __future__ import annotations

from orchestrator import __version__
from orchestrator.report import side_by_side_text
from orchestrator.report.html.templates import environment, verbatim
from orchestrator.report.side_by_side import SideBySide

ROWS = 5000
"""Most rows of a table; a page with more is slow to sort."""


def render(runs: SideBySide) -> str:
    """Return the runs as an HTML document; the same bytes for the same runs."""
    return (
        environment()
        .get_template("side_by_side.html")
        .render(
            version=__version__,
            title=side_by_side_text.title(runs),
            runs=runs,
            key=list(side_by_side_text.key(runs)),
            tables=list(side_by_side_text.tables(runs)),
            most_rows=ROWS,
            notes=list(side_by_side_text.notes(runs)),
            style=verbatim("style.css"),
            script=verbatim("table.js"),
        )
    )
