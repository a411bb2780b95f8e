"""Permutation tests of the difference between two sides."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
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

RANK_METHOD = (
    "of rows with figures of 0 or less, two-sided permutation test of mean ranks of trials "
    "(Wilcoxon 1945; Rosner, Glynn & Lee 2003)"
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
    return _exchange(medians, seed)


def rank_p(one: Units, other: Units, seed: int) -> tuple[float, float]:
    """Return by how much mean ranks rise from ``one`` to ``other``, and the two-sided p-value, for values of any sign.

    All trials are ranked together and boots are exchanged with the mean rank of their trials (F. Wilcoxon, *Individual
    Comparisons by Ranking Methods*, 1945; for trials in boots: B. Rosner, R. J. Glynn, M.-L. T. Lee, *Incorporation of
    Clustering Effects for the Wilcoxon Rank Sum Test*, Biometrics 59 (2003) 1089-1098).
    """
    units = [*one, *other]
    ranks = stats.rankdata([value for unit in units for value in unit])
    means = np.array([part.mean() for part in np.split(ranks, np.cumsum([len(unit) for unit in units])[:-1])])
    sides = [means[: len(one)], means[len(one) :]]
    return float(sides[1].mean() - sides[0].mean()), _exchange(sides, seed)


def smallest_sign_p(boots: int) -> float:
    """Return the least possible p-value of this number of boots against a constant: two of all sign changes."""
    return min(1.0, 2 / min(2.0**boots, PERMUTATIONS + 1))


def sign_p(units: Units, number: float, seed: int) -> float:
    """Return the two-sided p-value of the hypothesis that log medians of boots of positive values centre on a number.

    The signs of their distances to it are flipped (R. A. Fisher, *The Design of Experiments*, 1935, section 21): all
    combinations or random ones, as in :func:`permutation_p`. Assumes that boots are symmetric about their centre.
    """
    return _flip(np.array([math.log(np.median(unit) / number) for unit in units]), seed)


def signed_rank_p(units: Units, number: float, seed: int) -> tuple[float, float]:
    """Return the mean signed rank of boot medians about a number, and its two-sided p-value; values of any sign.

    F. Wilcoxon, *Individual Comparisons by Ranking Methods*, 1945.
    """
    distances = np.array([np.median(unit) - number for unit in units])
    ranks = stats.rankdata(np.abs(distances)) * np.sign(distances)
    return float(ranks.mean()), _flip(ranks, seed)


def _exchange(sides: list[NDArray[np.float64]], seed: int) -> float:
    """Return the p-value of the difference of means if boots are exchanged; one number for each boot of both sides."""
    test = stats.permutation_test(
        sides,
        lambda x, y, axis: np.mean(x, axis=axis) - np.mean(y, axis=axis),
        vectorized=True,
        n_resamples=PERMUTATIONS,
        rng=np.random.default_rng(seed),
    )
    return min(1.0, float(test.pvalue))


def _flip(distances: NDArray[np.float64], seed: int) -> float:
    """Return the p-value of the mean if signs are flipped; one number for each boot."""
    test = stats.permutation_test(
        (distances,),
        np.mean,
        permutation_type="samples",
        vectorized=True,
        n_resamples=PERMUTATIONS,
        rng=np.random.default_rng(seed),
    )
    return min(1.0, float(test.pvalue))
