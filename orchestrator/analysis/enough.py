"""How many boots (or trials) of each side would be enough for a verdict."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import NormalDist

from orchestrator.analysis.significance import smallest_p, smallest_sign_p
from orchestrator.analysis.verdicts import Verdict
from orchestrator.sample_size import min_sample_size

POWER = 0.8
"""Chance of a verdict with the number for noisy sides, if noise and ratio stay as they were measured."""
MOST = 10_000
"""Numbers above this one are no advice."""
METHODS = {
    Verdict.TOO_FEW: "enough: the least number with an interval (David & Nagaraja 2003) and a possible p-value.",
    Verdict.TOO_NOISY: f"enough for noise: power {POWER * 100:g} % with noise and ratio as measured "
    "(Chow, Shao & Wang 2008).",
}
_NORMAL = NormalDist()


def fewest(sides: int, family: int, confidence: float) -> int | None:
    """Return the least number of units per side that allows a verdict, None if no number does.

    There must be an interval (:func:`~orchestrator.sample_size.min_sample_size`), and the least possible p-value of
    the permutation test (:mod:`~orchestrator.analysis.significance`) must pass Holm's correction for the family.

    :param sides: 2, or 1 against published figures.
    :param family: number of cells and metrics in the comparison.
    """
    for units in range(min_sample_size(confidence), MOST):
        least = smallest_p(units, units) if sides > 1 else smallest_sign_p(units)
        if least * family <= 1 - confidence + 1e-12:
            return units
        if units > 100:  # the random permutations set the limit
            break
    return None


def for_noise(
    ratio: float,
    interval: tuple[float, float],
    counts: Sequence[int],
    family: int,
    confidence: float,
    margin: float,
) -> int | None:
    """Return the number of units per side that would give a verdict with power :data:`POWER`; None above :data:`MOST`.

    The standard error of the log ratio comes from the interval and falls with the square root of the number of units.
    The number is the smaller one of those for a test of equality, at the level that Holm's correction leaves at worst,
    and for an interval inside the margin: n = ((z(1 - a/2) + z(power)) * s / d)^2, with the distance d of the ratio
    from 1, or from the margin, where both limits count (S.-C. Chow, J. Shao, H. Wang, *Sample Size Calculations in
    Clinical Research*, 2008, section 3.2).

    :param counts: number of units of each side that has a spread.
    """
    units = len(counts) / sum(1 / count for count in counts)
    half = math.log(interval[1] / interval[0]) / 2
    level = _NORMAL.inv_cdf((1 + confidence) / 2)
    spread = half / level * math.sqrt(units)
    distance, limit = abs(math.log(ratio)), math.log1p(margin)
    wanted = []
    if distance > 0:
        at_worst = _NORMAL.inv_cdf(1 - (1 - confidence) / (2 * family))
        wanted.append((at_worst + _NORMAL.inv_cdf(POWER)) / distance)
    if distance < limit:
        wanted.append((level + _NORMAL.inv_cdf((1 + POWER) / 2)) / (limit - distance))
    if not wanted or spread * min(wanted) > math.sqrt(MOST):
        return None
    return max(math.ceil((spread * min(wanted)) ** 2), min(counts) + 1)
