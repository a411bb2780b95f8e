"""Plain text for a terminal or a pipe: no colours, one row per cell, then what a reader must know."""

from __future__ import annotations

from tabulate import tabulate

from orchestrator.report import rows
from orchestrator.report.model import Report


def render(report: Report) -> str:
    """Return the report as plain text."""
    table = tabulate(
        list(rows.rows(report)),
        rows.headings(report),
        tablefmt="simple",
        colalign=rows.alignment(report) if report.cells else None,
        disable_numparse=True,
    )
    parts = [rows.title(report), table if report.cells else "No trial has its record yet."]
    parts.append("\n".join(rows.notes(report)))
    reasons = rows.reasons(report)
    if reasons:
        parts.append("Not ok:\n" + "\n".join(f"  {line}" for line in reasons))
    return "\n\n".join(part for part in parts if part) + "\n"
