"""Correction for multiple tests."""

from __future__ import annotations

from collections.abc import Sequence

CORRECTION = "Holm 1979"


def holm(p_values: Sequence[float]) -> list[float]:
    """Return p-values adjusted for the family of all of them, in the order given.

    S. Holm, *A Simple Sequentially Rejective Multiple Test Procedure*, Scandinavian Journal of Statistics 6 (1979)
    65-70: the chance of any false verdict stays at the level, however the tests depend on each other.
    """
    adjusted = [0.0] * len(p_values)
    largest = 0.0
    for rank, index in enumerate(sorted(range(len(p_values)), key=p_values.__getitem__)):
        largest = max(largest, min(1.0, (len(p_values) - rank) * p_values[index]))
        adjusted[index] = largest
    return adjusted
