"""Intervals of the figures of a cell, and the reasons for having none.

The sampling unit of a cell with several boots is the boot; with too few boots there is no interval. The sampling unit
of a cell with one boot is the trial; its interval does not cover differences between boots, and reports say so. The
arithmetic is in :mod:`orchestrator.analysis.bootstrap`, which is imported only when there is something to compute.
"""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from orchestrator.analysis.values import RESAMPLES, Units, is_rate
from orchestrator.analysis.verdicts import too_few
from orchestrator.sample_size import min_sample_size
from orchestrator.units import plural

CONFIDENCE = 0.95
METHODS = {
    "boot": "BCa bootstrap (Efron 1987), boots drawn, then trials in a boot (Davison & Hinkley 1997), "
    f"{RESAMPLES} resamples",
    "trial": f"BCa bootstrap (Efron 1987), trials drawn, {RESAMPLES} resamples",
}
"""Method of an interval, by sampling unit."""
_SEED = 20170217
"""The same for all cells, so that cells of the same shape share their draws, which are most of the work."""


class Interval(Struct, frozen=True):
    """Limits of a median or of a ratio of medians.

    :ivar unit: the sampling unit; ``trial``: of one boot, so that differences between boots are not covered.
    :ivar units: number of units; of a ratio, on the side with fewer.
    """

    low: float
    high: float
    confidence: float
    unit: Literal["boot", "trial"]
    units: int


def of_median(boots: Units, unit: str, confidence: float = CONFIDENCE) -> tuple[Interval | None, str]:
    """Return the interval of the median of a cell with one boot or more, or None and the reason.

    :param unit: of the values; the interval of a rate is computed from the times for the same work.
    """
    # Sorted, so that the same values give the same sums to the last bit.
    kind, drawn, reason = _drawn(tuple(sorted(tuple(sorted(boot)) for boot in boots)), confidence)
    if reason:
        return None, reason
    turned = is_rate(unit) and min(map(min, drawn)) > 0
    from orchestrator.analysis import bootstrap

    low, high = bootstrap.interval(_reciprocal(drawn) if turned else drawn, confidence, _SEED)
    if turned:
        low, high = 1 / high, 1 / low
    return Interval(low, high, confidence, kind, len(drawn)), ""


def of_ratio(
    one: Units, other: Units, unit: str, confidence: float = CONFIDENCE
) -> tuple[Interval | None, str]:
    """Return the interval of the median of ``one`` over that of ``other``, both positive, or None and the reason.

    The two are drawn independently, even if they come from the same boots. An effect of a boot on both makes the
    interval wider than necessary, never narrower.
    """
    first, second = _drawn(one, confidence), _drawn(other, confidence)
    reason = (
        first[2]
        or second[2]
        or ("several boots on one side, one boot on the other" * (first[0] != second[0]))
    )
    if reason:
        return None, reason
    from orchestrator.analysis import bootstrap

    sides = first[1], second[1]
    if is_rate(unit):
        sides = _reciprocal(second[1]), _reciprocal(first[1])
    low, high = bootstrap.ratio_interval(*sides, confidence, _SEED)
    return Interval(low, high, confidence, first[0], min(map(len, sides))), ""


def _drawn(boots: Units, confidence: float) -> tuple[Literal["boot", "trial"], Units, str]:
    """Return the sampling unit, the units, and why they are too few; empty if they are not."""
    if len(boots) > 1:
        return "boot", boots, too_few([len(boots)], "boot", confidence)
    needed = min_sample_size(confidence)
    trials = tuple((value,) for boot in boots for value in boot)
    few = f"{plural(len(trials), 'trial')} of one boot, an interval needs {needed} (or {needed} boots)"
    return "trial", trials, few if len(trials) < needed else ""


def _reciprocal(units: Units) -> Units:
    return tuple(tuple(1 / value for value in unit) for unit in units)
