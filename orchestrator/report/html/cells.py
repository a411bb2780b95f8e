"""How cells are named and told apart in charts."""

from __future__ import annotations

import math
from collections.abc import Sequence

from orchestrator.analysis.summary import CellSummary
from orchestrator.report import text
from orchestrator.report.model import Report
from orchestrator.units import quantity

MODE, THREADS, COPY = "mode", "threads", "copy"
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
        size = quantity(level)
        return None if size is None else float(size)
    return found if math.isfinite(found) else None


def numeric(report: Report) -> str | None:
    """Return the factor that an x axis shows: threads if they are swept, else the numeric one with the most levels."""
    levels = {
        factor: {cell.factors[factor] for cell in report.cells if factor in cell.factors}
        for factor in report.varying()
    }
    fit = {
        factor: len(found)
        for factor, found in levels.items()
        if len(found) > 1 and all(number(level) is not None for level in found)
    }
    if THREADS in fit:
        return THREADS
    return max(fit, key=lambda factor: fit[factor]) if fit else None
