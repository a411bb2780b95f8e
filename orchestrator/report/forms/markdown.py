"""Markdown, for an issue, a wiki or a README."""

from __future__ import annotations

import re

from tabulate import tabulate

from orchestrator.report import rows
from orchestrator.report.model import Report

_SPECIAL = re.compile(r"([\\`*_{}\[\]<>#|~&])")


def render(report: Report) -> str:
    """Return the report as GitHub-flavoured Markdown."""
    table = tabulate(
        [[_escape(word) for word in row] for row in rows.rows(report)],
        [_escape(word) for word in rows.headings(report)],
        tablefmt="pipe",
        colalign=rows.alignment(report) if report.cells else None,
        disable_numparse=True,
    )
    parts = [f"## {_escape(rows.title(report))}", table if report.cells else "No trial has its record yet."]
    parts.extend(_escape(note) for note in rows.notes(report))
    reasons = rows.reasons(report)
    if reasons:
        parts.append("Not ok:\n\n" + "\n".join(f"- {_escape(line)}" for line in reasons))
    return "\n\n".join(parts) + "\n"


def _escape(text: str) -> str:
    return _SPECIAL.sub(r"\\\1", text)
