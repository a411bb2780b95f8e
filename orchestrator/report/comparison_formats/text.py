"""Plain text for a terminal or a pipe."""

from __future__ import annotations

from tabulate import tabulate

from orchestrator.report import comparison_text
from orchestrator.report.comparison import ComparisonReport


def render(compared: ComparisonReport) -> str:
    """Return the comparison as plain text."""
    rows = comparison_text.table(compared)
    table = tabulate(rows, comparison_text.HEADINGS, tablefmt="simple", disable_numparse=True)
    parts = [comparison_text.title(compared), table, "\n".join(comparison_text.notes(compared))]
    for sentence, commands in comparison_text.remedies(compared):
        parts.append("\n".join([sentence, *(f"  {command}" for command in commands)]))
    excluded = comparison_text.excluded(compared)
    if excluded:
        parts.append("Not in any figure:\n" + "\n".join(f"  {line}" for line in excluded))
    return "\n\n".join(parts) + "\n"
