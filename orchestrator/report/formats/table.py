"""Plain text for a terminal or a pipe: no colours, one row per cell, then the notes."""

from __future__ import annotations

from orchestrator.report import layout, notes
from orchestrator.report.model import Report
from orchestrator.report.tables import Table, tables


def render(report: Report) -> str:
    """Return the report as plain text."""
    parts = [notes.title(report)]
    parts += table_texts(report)
    parts.append("\n".join(notes.notes(report)))
    findings = notes.findings(report)
    if findings:
        parts.append("Anomalies:\n" + "\n".join(f"  {line}" for line in findings))
    reasons = notes.reasons(report)
    if reasons:
        parts.append("Not ok:\n" + "\n".join(f"  {line}" for line in reasons))
    return "\n\n".join(part for part in parts if part) + "\n"


def table_texts(report: Report) -> list[str]:
    """Return the tables of a report, or one line if no trial has ended."""
    return [_table(table) for table in tables(report)] if report.cells else ["No trial has ended yet."]


def _table(table: Table) -> str:
    """Lay out a table; units are on a second line of the headings."""
    headings = [heading.replace(", ", "\n", 1) for heading in table.headings]
    lines = layout.simple(headings, table.rows, table.alignment)
    return f"{table.caption}\n\n{lines}" if table.caption else lines
