"""Breakdown of one metric of a cell: its phases, and the rest."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from orchestrator.analysis.modelled import Metrics, is_modelled
from orchestrator.analysis.summary import CellSummary
from orchestrator.experiment.model import Breakdown


class Phases(Struct, frozen=True):
    """The breakdown of one cell in one environment, medians in the unit of the total; None: not known.

    :ivar phases: by the name in the breakdown.
    :ivar rest: the total less all phases, so that a row adds up. As each figure is a median, it may differ a little
        from the median of the rests.
    :ivar beside: medians of further metrics, by name, each in its own unit.
    :ivar modelled: the names (and ``total``) whose figures are modelled.
    """

    total: float | None
    phases: Mapping[str, float | None]
    rest: float | None
    beside: Mapping[str, float | None]
    modelled: frozenset[str]


def phases_of(cell: CellSummary, breakdown: Breakdown, metrics: Metrics) -> Phases | None:
    """Return the breakdown of a cell, None if it has none of the phases."""
    modelled = set()

    def median(word: str, name: str) -> float | None:
        for reading in metrics.readings(name, cell.environment):
            estimate = cell.estimate(reading.name)
            if estimate:
                if is_modelled(cell, reading):
                    modelled.add(word)
                return estimate.median
        return None

    total = median("total", breakdown.total)
    phases = {word: median(word, name) for word, name in breakdown.phases.items()}
    beside = {name: median(name, name) for name in breakdown.beside}
    known = [value for value in phases.values() if value is not None]
    if not known:
        return None
    rest = total - sum(known) if total is not None and len(known) == len(phases) else None
    return Phases(total, phases, rest, beside, frozenset(modelled))
