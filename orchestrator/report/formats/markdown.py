"""Markdown, for an issue, a wiki or a README."""

from __future__ import annotations

import re

from tabulate import tabulate

from orchestrator.report import notes
from orchestrator.report.model import Report
from orchestrator.report.tables import Table, tables

_SPECIAL = re.compile(r"([\\`*_{}\[\]<>#|~&$])")
_ADDRESS = re.compile(r"(https?://[^\s<>|\\\"]*[^\s<>|\\\".,;:!?()\[\]'])")
_START = re.compile(r"\d{1,9}(?=[.)])|(?=[-+=])")
"""Where a line would become an item of a list, or underline a heading."""


def render(report: Report) -> str:
    """Return the report as GitHub-flavoured Markdown."""
    parts = [f"## {escape(notes.title(report))}"]
    parts += map(_table, tables(report)) if report.cells else ["No trial has ended yet."]
    parts.extend(line(note) for note in notes.notes(report))
    findings = notes.findings(report)
    if findings:
        parts.append("Anomalies:\n\n" + "\n".join(f"- {line(finding)}" for finding in findings))
    reasons = notes.reasons(report)
    if reasons:
        parts.append("Not ok:\n\n" + "\n".join(f"- {line(reason)}" for reason in reasons))
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


def line(text: str) -> str:
    """Return text as a paragraph or an item of a list: its start makes no other block of it.

    >>> line("- 1 page"), line("12. July"), line("a_b - c")
    ('\\\\- 1 page', '12\\\\. July', 'a\\\\_b - c')
    """
    escaped = escape(text)
    start = _START.match(escaped)
    return escaped if start is None else f"{start[0]}\\{escaped[start.end() :]}"


def escape(text: str) -> str:
    """Return text with the special characters of Markdown escaped, dollar signs too, which forges take for formulas.

    Addresses become links, in which nothing is escaped.
    """
    parts = _ADDRESS.split(text)
    return "".join(f"<{part}>" if n % 2 else _SPECIAL.sub(r"\\\1", part) for n, part in enumerate(parts))
