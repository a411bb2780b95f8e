"""Rank tests of the order of values: warm-up and trend. They assume no distribution and need no library."""

from __future__ import annotations

import itertools
import math
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from functools import lru_cache

LONGEST = 64
"""Most trials of a boot that are examined for a warm-up, which is at most half of them."""


def warm_up(boots: Sequence[Sequence[float]]) -> tuple[int, float]:
    """Return how many first trials of each boot differ most from the following ones, and the p-value.

    The ranks of the first d trials within each boot, summed over boots and compared with their distribution (P. H. van
    Elteren, *On the combination of independent two-sample tests of Wilcoxon*, Bull. Int. Stat. Inst. 37 (1960)
    351-361), for d = 1, 2, 4 ... up to half of the shortest boot; normal approximation, two-sided, Bonferroni over d.
    With fewer than four trials per boot: 0 and 1.
    """
    length = min(LONGEST, *map(len, boots)) if len(boots) > 1 else min(LONGEST, len(boots[0]))
    ranked = [ranks(boot[:length]) for boot in boots]
    lengths = list(itertools.takewhile(lambda d: d <= length // 2, (1 << k for k in itertools.count())))
    if length < 4 or not lengths:
        return 0, 1.0
    p, count = min((_two_sided(_van_elteren(ranked, d)), d) for d in lengths)
    return count, min(1.0, p * len(lengths))


def trend(values: Sequence[float]) -> tuple[float, float]:
    """Return Kendall's tau with time, and its two-sided p-value.

    H. B. Mann, *Nonparametric Tests Against Trend*, Econometrica 13 (1945) 245-259; exact without ties (M. G. Kendall,
    *Rank Correlation Methods*, 1975, chapter 5), else the normal approximation with its correction for ties.
    """
    n = len(values)
    pairs = n * (n - 1) // 2
    if n < 4:
        return 0.0, 1.0
    score = 0
    earlier: list[float] = []
    for value in values:
        place = bisect_left(earlier, value)
        score += place - (len(earlier) - bisect_right(earlier, value))
        earlier.insert(place, value)
    ties = [len(list(group)) for _, group in itertools.groupby(sorted(values))]
    if max(ties) == 1:
        return score / pairs, min(1.0, 2 * _at_most(n)[(pairs - abs(score)) // 2])
    variance = (n * (n - 1) * (2 * n + 5) - sum(t * (t - 1) * (2 * t + 5) for t in ties)) / 18
    z = max(0, abs(score) - 1) / math.sqrt(variance) if variance else 0.0
    return score / pairs, _two_sided(z)


def ranks(values: Sequence[float]) -> list[float]:
    """Return the rank of each value, from 1; equal ones share the mean of theirs."""
    order = sorted(range(len(values)), key=values.__getitem__)
    ranked = [0.0] * len(values)
    before = 0
    for _, group in itertools.groupby(order, key=values.__getitem__):
        tied = list(group)
        for index in tied:
            ranked[index] = before + (len(tied) + 1) / 2
        before += len(tied)
    return ranked


def _van_elteren(ranked: Sequence[Sequence[float]], first: int) -> float:
    """Return the standardised sum of the first ranks of each boot, all of one length; corrected for ties."""
    n = len(ranked[0])
    excess = sum(sum(boot[:first]) - first * (n + 1) / 2 for boot in ranked)
    spread = sum(sum((rank - (n + 1) / 2) ** 2 for rank in boot) / (n - 1) for boot in ranked)
    variance = spread * first * (n - first) / n
    return excess / math.sqrt(variance) if variance else 0.0


def _two_sided(z: float) -> float:
    return math.erfc(abs(z) / math.sqrt(2))


@lru_cache(maxsize=128)
def _at_most(n: int) -> tuple[float, ...]:
    """Return, for each number of pairs, the probability of no more discordant pairs in a random order of n values."""
    shares = [1.0]
    for size in range(2, n + 1):
        longer = [0.0] * (len(shares) + size - 1)
        running = 0.0
        for pairs in range(len(longer)):
            running += shares[pairs] if pairs < len(shares) else 0.0
            running -= shares[pairs - size] if pairs >= size else 0.0
            longer[pairs] = max(0.0, running) / size
        shares = longer
    return tuple(itertools.accumulate(shares))
