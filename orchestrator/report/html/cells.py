"""Factors of cells as the axes of charts."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable

from orchestrator.analysis.points import THREADS
from orchestrator.report.model import Report
from orchestrator.units import parse_quantity

COPY, PAGE_SIZE, KERNEL = "copy", "page_size", "kernel"
"""A level of ``mode`` and factors that charts treat in a special way."""

_VERSION = re.compile(r"v?\d+(\.\d+)+(-rc\d+)?")


def number(level: str) -> float | None:
    """Return the number of a level, sizes in bytes; None if it is not a number."""
    try:
        value = float(level)
    except ValueError:
        size = parse_quantity(level)
        return None if size is None else float(size)
    return value if math.isfinite(value) else None


def is_amount(factor: str, levels: Iterable[str]) -> bool:
    """Whether the numbers of a factor are amounts, so that a line between two of them makes sense.

    Page sizes, nodes and switches are categories with numbers for names. Versions of a kernel follow each other.
    """
    distinct = set(levels)
    named = factor == PAGE_SIZE or factor.endswith("node") or distinct <= {"0", "1"}
    return not named and _are_numbers(factor, distinct)


def _are_numbers(factor: str, levels: set[str]) -> bool:
    if factor == KERNEL and all(map(_VERSION.fullmatch, levels)):
        return True
    return all(number(level) is not None for level in levels)


def numeric(report: Report) -> str | None:
    """Return the factor for the x axis: threads if swept, else the numeric factor with the most levels.

    Factors that differ alone come first: one that changes together with a mode shows the modes, not its own effect.
    Then come amounts. Versions of a kernel are numbers. None if no factor is numeric.
    """
    levels = {
        factor: {cell.factors[factor] for cell in report.cells if factor in cell.factors}
        for factor in report.varying()
    }
    fit = {
        factor: (_differs_alone(report, factor), is_amount(factor, values), len(values))
        for factor, values in levels.items()
        if len(values) > 1 and _are_numbers(factor, values)
    }
    return max(fit, key=lambda factor: (fit[factor][0], factor == THREADS, *fit[factor])) if fit else None


def _differs_alone(report: Report, factor: str) -> bool:
    """Whether two cells differ in no other factor, apart from amounts that change with each of its levels."""
    others = []
    for name in report.varying():
        pairs = {(cell.factors.get(factor), cell.factors.get(name)) for cell in report.cells}
        zipped = len(pairs) == len({level for level, _ in pairs}) == len({level for _, level in pairs})
        if name != factor and not (zipped and is_amount(name, {level or "" for _, level in pairs})):
            others.append(name)
    levels: dict[tuple[str | None, ...], set[str | None]] = {}
    for cell in report.cells:
        key = tuple(cell.factors.get(name) for name in others)
        levels.setdefault((cell.environment, *key), set()).add(cell.factors.get(factor))
    return any(len(found) > 1 for found in levels.values())
