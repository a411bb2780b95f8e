"""Plain text for a terminal or a pipe: a table for each metric with a column for each run, then the notes."""

from __future__ import annotations

from orchestrator.report import layout, side_by_side_text
from orchestrator.report.side_by_side import SideBySide


def render(runs: SideBySide) -> str:
    """Return the runs as plain text."""
    parts = [side_by_side_text.title(runs), "\n".join(side_by_side_text.key(runs))]
    for table in side_by_side_text.tables(runs):
        lines = layout.simple(table.headings, table.rows, table.alignment)
        parts.append(f"{table.caption}:\n\n{lines}")
    parts.append("\n".join(side_by_side_text.notes(runs)))
    return "\n\n".join(parts) + "\n"
