"""Plain text for a terminal or a pipe."""

from __future__ import annotations

from tabulate import tabulate

from orchestrator.report import verdicts
from orchestrator.report.comparison import ComparisonReport


def render(compared: ComparisonReport) -> str:
    """Return the comparison as plain text."""
    rows = verdicts.table(compared)
    table = tabulate(rows, verdicts.HEADINGS, tablefmt="simple", disable_numparse=True)
    parts = [verdicts.title(compared), table, "\n".join(verdicts.notes(compared))]
    excluded = verdicts.excluded(compared)
    if excluded:
        parts.append("Not in any figure:\n" + "\n".join(f"  {line}" for line in excluded))
    return "\n\n".join(parts) + "\n"
