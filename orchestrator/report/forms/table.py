"""Plain text for a terminal or a pipe: no colours, one row per cell, then what a reader must know."""

from __future__ import annotations

from orchestrator.report import notes
from orchestrator.report.model import Report
from orchestrator.report.tables import Table, tables


def render(report: Report) -> str:
    """Return the report as plain text."""
    parts = [notes.title(report)]
    parts += map(_table, tables(report)) if report.cells else ["No trial has its record yet."]
    parts.append("\n".join(notes.notes(report)))
    reasons = notes.reasons(report)
    if reasons:
        parts.append("Not ok:\n" + "\n".join(f"  {line}" for line in reasons))
    return "\n\n".join(part for part in parts if part) + "\n"


def _table(table: Table) -> str:
    """Lay out as tabulate's ``simple`` does, which would widen each heading by two; units stand on a second line."""
    heads = [column.heading.split(", ", 1) for column in table.columns]
    depth = max(map(len, heads))
    lines = [[head[at] if at < len(head) else "" for head in heads] for at in range(depth)]
    widths = [max(map(len, words)) for words in zip(*lines, *table.rows, strict=True)]
    sides = ["<" if column.align == "left" else ">" for column in table.columns]

    def line(words: list[str]) -> str:
        return "  ".join(map("{:{}{}}".format, words, sides, widths)).rstrip()

    text = map(line, [*lines, ["-" * width for width in widths], *table.rows])
    return "\n".join([*([table.caption, ""] if table.caption else []), *text])
