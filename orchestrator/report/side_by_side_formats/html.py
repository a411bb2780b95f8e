"""One self-contained HTML file: what differs, then a table for each metric."""

from __future__ import annotations

from orchestrator import __version__
from orchestrator.report import side_by_side_text
from orchestrator.report.html.templates import page
from orchestrator.report.side_by_side import SideBySide


def render(runs: SideBySide) -> str:
    """Return the runs as an HTML document; the same bytes for the same runs."""
    return page(
        "side_by_side.html",
        version=__version__,
        title=side_by_side_text.title(runs),
        runs=runs,
        key=list(side_by_side_text.key(runs)),
        tables=list(side_by_side_text.tables(runs)),
        notes=list(side_by_side_text.notes(runs)),
    )
