"""Markdown, for an issue, a wiki or a README."""

from __future__ import annotations

import re

from tabulate import tabulate

from orchestrator.report import notes
from orchestrator.report.model import Report
from orchestrator.report.tables import Table, tables

_SPECIAL = re.compile(r"([\\`*_{}\[\]<>#|~&])")


def render(report: Report) -> str:
    """Return the report as GitHub-flavoured Markdown."""
    parts = [f"## {escape(notes.title(report))}"]
    parts += map(_table, tables(report)) if report.cells else ["No trial has ended yet."]
    parts.extend(escape(note) for note in notes.notes(report))
    findings = notes.findings(report)
    if findings:
        parts.append("Anomalies:\n\n" + "\n".join(f"- {escape(line)}" for line in findings))
    reasons = notes.reasons(report)
    if reasons:
        parts.append("Not ok:\n\n" + "\n".join(f"- {escape(line)}" for line in reasons))
    return "\n\n".join(parts) + "\n"


def _table(table: Table) -> str:
    lines = tabulate(
        [[escape(word) for word in row] for row in table.rows],
        [escape(heading) for heading in table.headings],
        tablefmt="pipe",
        colalign=table.alignment,
        disable_numparse=True,
    )
    return f"{escape(table.caption)}\n\n{lines}" if table.caption else lines


def escape(text: str) -> str:
    """Return text with the special characters of Markdown escaped."""
    return _SPECIAL.sub(r"\\\1", text)
