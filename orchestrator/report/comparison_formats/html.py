"""One self-contained HTML file: the findings, the table, the ratios as a chart, metadata."""

from __future__ import annotations

from orchestrator.report.comparison import ComparisonReport
from orchestrator.report.html import comparison


def render(compared: ComparisonReport) -> str:
    """Return the comparison as an HTML document."""
    return comparison.render(compared)
