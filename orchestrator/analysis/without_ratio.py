"""Comparison of figures that have no ratio, as some are 0 or less: the direction of the change decides.

Medians may hide the change (0 errors in half of the trials, then in a quarter of them), so all trials count: by rank
for the direction and its p-value, by the mean for its size.
"""

from __future__ import annotations

import statistics
from typing import Literal

from orchestrator.analysis.significance import rank_p, signed_rank_p
from orchestrator.analysis.values import Units


def change(base: Units, new: Units) -> str:
    """Return the change in words, such as ``fell to 0``; empty if all values of both sides are equal."""
    old, now = _flat(base), _flat(new)
    if len({*old, *now}) == 1:
        return ""
    if min(*old, *now) < 0:
        return f"from {statistics.median(old):.4g} to {statistics.median(now):.4g}, compared by rank"
    if not any(now) and all(old):
        return "fell to 0"
    if not any(old) and all(now):
        return "rose from 0"
    return f"0 in {now.count(0)} of {len(now)} trials, in {old.count(0)} of {len(old)} of the baseline"


def stops(base: Units, new: Units) -> bool:
    """Whether all values of the new side are 0, and none of the baseline."""
    return min(_flat(base)) > 0 and not any(_flat(new))


def direction(
    base: Units, new: Units, exact: bool, better: Literal["higher", "lower"], seed: int
) -> tuple[float, float | None]:
    """Return the direction of the change (above 0 is better) and its p-value, None if a side has one unit.

    :param exact: the baseline is a number without spread.
    """
    sides = (new,) if exact else (base, new)
    if min(map(len, sides)) < 2:
        return 0.0, None
    rise, p = signed_rank_p(new, base[0][0], seed) if exact else rank_p(base, new, seed)
    return -rise if better == "lower" else rise, p


def size(base: Units, new: Units, better: Literal["higher", "lower"]) -> float | None:
    """Return the ratio of the means, above 1 if the new side is better; None if it says nothing."""
    sides = _flat(new), _flat(base)
    top, bottom = (statistics.fmean(side) for side in (reversed(sides) if better == "lower" else sides))
    return top / bottom if min(map(min, sides)) >= 0 and bottom > 0 else None


def _flat(units: Units) -> list[float]:
    return [value for unit in units for value in unit]
