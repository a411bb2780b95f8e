"""What to make of many tests at once."""

from __future__ import annotations

from collections.abc import Sequence

CORRECTION = "Holm 1979"


def holm(p_values: Sequence[float]) -> list[float]:
    """Return p-values adjusted for the family of all of them, in the order given.

    S. Holm, *A Simple Sequentially Rejective Multiple Test Procedure*, Scandinavian Journal of Statistics 6 (1979)
    65-70: keeps the chance of even one false verdict at the level, whatever the tests have to do with each other.
    """
    adjusted = [0.0] * len(p_values)
    largest = 0.0
    for rank, place in enumerate(sorted(range(len(p_values)), key=p_values.__getitem__)):
        largest = max(largest, min(1.0, (len(p_values) - rank) * p_values[place]))
        adjusted[place] = largest
    return adjusted
