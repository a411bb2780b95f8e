"""The interval of a cell's figure: of what it speaks, and where none is given.

Where a cell has several boots they are the sampling unit, and where there are too few of them no interval is given.
Where there is one boot its trials are drawn: such an interval knows nothing of how boots differ, and says so. The
arithmetic is in :mod:`orchestrator.analysis.bootstrap`, which is imported only where there is something to compute.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from orchestrator.analysis.values import RESAMPLES, Units, is_rate
from orchestrator.sample_size import min_sample_size
from orchestrator.units import plural

CONFIDENCE = 0.95
METHODS = {
    "boot": "BCa bootstrap (Efron 1987), boots drawn, then trials in a boot (Davison & Hinkley 1997), "
    f"{RESAMPLES} resamples",
    "trial": f"BCa bootstrap (Efron 1987), trials drawn, {RESAMPLES} resamples",
}
"""By sampling unit."""
_SEED = 20170217
"""One for all cells, so that cells of one shape share their draws, which is most of the work."""


@dataclass(frozen=True, slots=True)
class Interval:
    """Limits of a median or of a ratio of medians.

    :ivar unit: what was drawn, and ``units`` how many of them there were (of a ratio on the side that had fewer).
        ``trial``: of one boot, whose peculiarities are not in the interval.
    """

    low: float
    high: float
    confidence: float
    unit: Literal["boot", "trial"]
    units: int


def of_median(boots: Units, unit: str, confidence: float = CONFIDENCE) -> tuple[Interval | None, str]:
    """Return the interval of the median of a cell with one boot or more, or None and why there is none.

    :param unit: of the values; the interval of a rate is made of the times for a piece of work.
    """
    # In one order, so that sums of the same values are the same to the last bit.
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
    """Return the interval of the median of ``one`` over that of ``other``, positive values both, or why there is none.

    The two are drawn independently, also where they come from the same boots: what a boot does to both alike makes
    the interval wider than it need be, never narrower.
    """
    first, second = _drawn(one, confidence), _drawn(other, confidence)
    reason = first[2] or second[2] or ("boots on one side, one boot on the other" * (first[0] != second[0]))
    if reason:
        return None, reason
    from orchestrator.analysis import bootstrap

    sides = first[1], second[1]
    if is_rate(unit):
        sides = _reciprocal(second[1]), _reciprocal(first[1])
    low, high = bootstrap.ratio_interval(*sides, confidence, _SEED)
    return Interval(low, high, confidence, first[0], min(map(len, sides))), ""


def _drawn(boots: Units, confidence: float) -> tuple[Literal["boot", "trial"], Units, str]:
    """Return what is drawn, and why it cannot be: empty where it can."""
    needed = min_sample_size(confidence)
    if len(boots) > 1:
        few = f"{len(boots)} boots, an interval needs {needed}" if len(boots) < needed else ""
        return "boot", boots, few
    trials = tuple((value,) for boot in boots for value in boot)
    few = f"{plural(len(trials), 'trial')} of one boot, an interval needs {needed} (or {needed} boots)"
    return "trial", trials, few if len(trials) < needed else ""


def _reciprocal(units: Units) -> Units:
    return tuple(tuple(1 / value for value in unit) for unit in units)
