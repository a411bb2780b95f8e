"""One self-contained HTML file with figures, tables and provenance."""

from __future__ import annotations

from orchestrator.report.html import page
from orchestrator.report.model import Report


def render(report: Report) -> str:
    """Return the report as an HTML document."""
    return page.render(report)
