"""Whether two sides differ at all, by permuting boots between them."""

from __future__ import annotations

import math

import numpy as np
from scipy import stats

from orchestrator.analysis.values import Units

PERMUTATIONS = 9999
METHOD = "two-sided permutation test of boots, difference of mean log medians (Fisher 1935; Davison & Hinkley 1997)"
SIGN_METHOD = (
    "two-sided permutation of the signs of boots, mean log median over the published figure (Fisher 1935)"
)


def smallest_p(one: int, other: int) -> float:
    """Return the least p-value that so many boots a side can give: two of all ways to deal them out."""
    return min(1.0, 2 / min(math.comb(one + other, one), PERMUTATIONS + 1))


def permutation_p(one: Units, other: Units, seed: int) -> float:
    """Return the two-sided p-value for boots of positive values: are the two sides dealt from one heap?

    Boots are what is exchanged, since trials of one boot share its memory layout. Every deal is tried where there are
    no more than :data:`PERMUTATIONS`, else so many random ones, the real one counted among them (B. Phipson, G. K.
    Smyth, *Permutation P-values Should Never Be Zero*, 2010).
    """
    medians = [np.array([math.log(np.median(unit)) for unit in side]) for side in (one, other)]
    found = stats.permutation_test(
        medians,
        lambda x, y, axis: np.mean(x, axis=axis) - np.mean(y, axis=axis),
        vectorized=True,
        n_resamples=PERMUTATIONS,
        rng=np.random.default_rng(seed),
    )
    return min(1.0, float(found.pvalue))


def smallest_sign_p(boots: int) -> float:
    """Return the least p-value that so many boots can give against a number: two of all ways to choose their signs."""
    return min(1.0, 2 / min(2.0**boots, PERMUTATIONS + 1))


def sign_p(units: Units, number: float, seed: int) -> float:
    """Return the two-sided p-value for boots of positive values: do their log medians lie around this number's?

    Signs of their distances to it are flipped (R. A. Fisher, *The Design of Experiments*, 1935, section 21), as in
    :func:`permutation_p` all of them or so many. Takes boots to lie as far above as below their centre.
    """
    distances = np.array([math.log(np.median(unit) / number) for unit in units])
    found = stats.permutation_test(
        (distances,),
        np.mean,
        permutation_type="samples",
        vectorized=True,
        n_resamples=PERMUTATIONS,
        rng=np.random.default_rng(seed),
    )
    return min(1.0, float(found.pvalue))
