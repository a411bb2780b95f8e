"""Markdown, for an issue or a wiki."""

from __future__ import annotations

from tabulate import tabulate

from orchestrator.report import side_by_side_text
from orchestrator.report.formats.markdown import escape, line
from orchestrator.report.side_by_side import SideBySide


def render(runs: SideBySide) -> str:
    """Return the runs as GitHub-flavoured Markdown."""
    parts = [f"## {escape(side_by_side_text.title(runs))}"]
    parts.append("\n".join(f"- {line(run)}" for run in side_by_side_text.key(runs)))
    for table in side_by_side_text.tables(runs):
        rows = [[escape(word) for word in row] for row in table.rows]
        headings = [escape(heading) for heading in table.headings]
        parts.append(f"{line(table.caption)}:")
        parts.append(
            tabulate(rows, headings, tablefmt="pipe", colalign=table.alignment, disable_numparse=True)
        )
    parts += map(line, side_by_side_text.notes(runs))
    return "\n\n".join(parts) + "\n"
