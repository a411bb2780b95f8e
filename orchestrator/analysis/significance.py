"""Permutation tests of the difference between two sides."""

from __future__ import annotations

import math

import numpy as np
from scipy import stats

from orchestrator.analysis.values import Units

PERMUTATIONS = 9999
METHODS = {
    unit: f"two-sided permutation test of {unit}s, difference of mean log medians (Fisher 1935; Davison & Hinkley 1997)"
    for unit in ("boot", "trial")
}
SIGN_METHOD = (
    "two-sided permutation of the signs of boots, mean log median over the published figure (Fisher 1935)"
)


def smallest_p(one: int, other: int) -> float:
    """Return the least possible p-value of these numbers of boots: two of all permutations."""
    return min(1.0, 2 / min(math.comb(one + other, one), PERMUTATIONS + 1))


def permutation_p(one: Units, other: Units, seed: int) -> float:
    """Return the two-sided p-value of the hypothesis that boots of positive values of both sides have one distribution.

    Boots are exchanged, not trials, since trials of one boot share its memory layout. All permutations are tried if
    there are at most :data:`PERMUTATIONS`, else that many random ones, with the observed one counted (B. Phipson, G. K.
    Smyth, *Permutation P-values Should Never Be Zero*, 2010).
    """
    medians = [np.array([math.log(np.median(unit)) for unit in side]) for side in (one, other)]
    test = stats.permutation_test(
        medians,
        lambda x, y, axis: np.mean(x, axis=axis) - np.mean(y, axis=axis),
        vectorized=True,
        n_resamples=PERMUTATIONS,
        rng=np.random.default_rng(seed),
    )
    return min(1.0, float(test.pvalue))


def smallest_sign_p(boots: int) -> float:
    """Return the least possible p-value of this number of boots against a constant: two of all sign changes."""
    return min(1.0, 2 / min(2.0**boots, PERMUTATIONS + 1))


def sign_p(units: Units, number: float, seed: int) -> float:
    """Return the two-sided p-value of the hypothesis that log medians of boots of positive values centre on a number.

    The signs of their distances to it are flipped (R. A. Fisher, *The Design of Experiments*, 1935, section 21): all
    combinations or random ones, as in :func:`permutation_p`. Assumes that boots are symmetric about their centre.
    """
    distances = np.array([math.log(np.median(unit) / number) for unit in units])
    test = stats.permutation_test(
        (distances,),
        np.mean,
        permutation_type="samples",
        vectorized=True,
        n_resamples=PERMUTATIONS,
        rng=np.random.default_rng(seed),
    )
    return min(1.0, float(test.pvalue))
