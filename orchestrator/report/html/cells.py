"""How cells are named and told apart in charts."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from orchestrator.analysis.summary import CellSummary
from orchestrator.report import text
from orchestrator.report.model import Report
from orchestrator.units import parse_quantity

MODE, THREADS, COPY, PAGE_SIZE = "mode", "threads", "copy", "page_size"
"""Names that a benchmark of page migration gives to the factors and to the level that charts know."""


def name(report: Report, cell: CellSummary, without: Sequence[str] = ()) -> str:
    """Return the levels that tell a cell from the others, its label, and its environment where there are several."""
    parts = []
    for factor in report.varying():
        if factor not in without and factor in cell.factors:
            level = cell.factors[factor]
            parts.append(level if factor == MODE else f"{factor} {level}")
    if cell.label:
        parts.append(f"[{cell.label}]")
    if len(report.environments) > 1:
        parts.append(cell.environment)
    return text.plain(", ".join(parts)) or "the only cell"


def number(level: str) -> float | None:
    """Return the number that a level is, sizes in bytes; None if it is none."""
    try:
        found = float(level)
    except ValueError:
        size = parse_quantity(level)
        return None if size is None else float(size)
    return found if math.isfinite(found) else None


def is_amount(factor: str, levels: Iterable[str]) -> bool:
    """Whether the numbers of a factor are amounts, so that a line from one to the next means something.

    Page sizes, nodes and switches are kinds of things that have numbers for names.
    """
    found = set(levels)
    named = factor == PAGE_SIZE or factor.endswith("node") or found <= {"0", "1"}
    return not named and all(number(level) is not None for level in found)


def numeric(report: Report) -> str | None:
    """Return the factor that an x axis shows.

    Threads if they are swept, else the numeric one with the most levels, of amounts if there is one.
    """
    levels = {
        factor: {cell.factors[factor] for cell in report.cells if factor in cell.factors}
        for factor in report.varying()
    }
    fit = {
        factor: (is_amount(factor, found), len(found))
        for factor, found in levels.items()
        if len(found) > 1 and all(number(level) is not None for level in found)
    }
    if THREADS in fit:
        return THREADS
    return max(fit, key=lambda factor: fit[factor]) if fit else None
