"""Markdown, for an issue or a wiki."""

from __future__ import annotations

from tabulate import tabulate

from orchestrator.report import comparison_text
from orchestrator.report.comparison import ComparisonReport
from orchestrator.report.formats.markdown import escape, line
from orchestrator.terminal import command_line


def render(compared: ComparisonReport) -> str:
    """Return the comparison as GitHub-flavoured Markdown."""
    rows = [[escape(word) for word in row] for row in comparison_text.table(compared)]
    table = tabulate(rows, comparison_text.HEADINGS, tablefmt="pipe", disable_numparse=True)
    parts = [
        f"## {escape(comparison_text.title(compared))}",
        table,
        *map(line, comparison_text.notes(compared)),
    ]
    for sentence, commands in comparison_text.remedies(compared):
        parts += [line(sentence), "\n".join(f"    {command_line(command)}" for command in commands)]
    excluded = comparison_text.excluded(compared)
    if excluded:
        parts.append("Not in any figure:\n\n" + "\n".join(f"- {line(trial)}" for trial in excluded))
    return "\n\n".join(parts) + "\n"
