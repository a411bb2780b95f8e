"""Bootstrap confidence intervals with the boot as the sampling unit.

Hierarchical: boots are drawn with replacement, then in each of them its trials (A. C. Davison, D. V. Hinkley,
*Bootstrap Methods and their Application*, 1997, section 3.8, strategy 2). Limits are bias-corrected and accelerated:
B. Efron, *Better Bootstrap Confidence Intervals*, JASA 82 (1987) 171-185; the acceleration comes from the jackknife
over boots (B. Efron, R. J. Tibshirani, *An Introduction to the Bootstrap*, 1993, section 14.3; for two samples Davison
and Hinkley, section 5.3.1).
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from itertools import chain
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from orchestrator.analysis.values import RESAMPLES, Units

Array = NDArray[np.float64]
Counts = NDArray[np.int32 | np.int16]

_CHUNK = 1 << 22
"""Most counts of drawn values in memory at a time (16 MiB)."""
_CHECK_EVERY = 8
"""Values between two checks whether all medians are found."""
_NORMAL = NormalDist()


def median(units: Units) -> float:
    """Return the median of all values of all units."""
    return float(np.median(_flat(units)))


def replicates(units: Units, seed: int, resamples: int = RESAMPLES) -> Array:
    """Return the medians of hierarchical resamples; shape (resamples,)."""
    values = _flat(units)
    if len(units) == len(values):
        return _medians_of_draws(np.sort(values), seed, resamples)
    sizes = tuple(len(unit) for unit in units)
    chunk = max(1, _CHUNK // len(values))
    order = np.argsort(values)
    chunks = [
        _medians_of_counts(values, order, *_counts(sizes, seed + first, min(chunk, resamples - first)))
        for first in range(0, resamples, chunk)
    ]
    return np.concatenate(chunks)


def bca(
    estimate: float, replicated: Array, jackknives: Sequence[Array], confidence: float
) -> tuple[float, float]:
    """Return the BCa limits of an estimate.

    :param replicated: its bootstrap replicates, shape (resamples,).
    :param jackknives: for each sample, the estimates with one unit left out.
    """
    less, not_more = np.count_nonzero(replicated < estimate), np.count_nonzero(replicated <= estimate)
    below = (less + not_more) / (2 * len(replicated))
    edge = 0.5 / len(replicated)
    bias = _NORMAL.inv_cdf(min(max(below, edge), 1 - edge))
    influences = [(len(j) - 1) * (j.mean() - j) / len(j) for j in jackknives]
    scale = max(float(abs(i).max()) for i in influences) or 1.0
    cubes = sum(float(((i / scale) ** 3).sum()) for i in influences)
    squares = sum(float(((i / scale) ** 2).sum()) for i in influences)
    acceleration = cubes / (6 * squares**1.5) if squares > 0 else 0.0
    shifted = [bias + _NORMAL.inv_cdf(level) for level in ((1 - confidence) / 2, (1 + confidence) / 2)]
    levels = [_NORMAL.cdf(bias + z / (1 - acceleration * z)) for z in shifted]
    low, high = np.quantile(replicated, levels)
    return float(low), float(high)


def jackknife(units: Units) -> Array:
    """Return the medians with each unit left out in turn, of two or more units; shape (units,)."""
    flat = _flat(units)
    if len(units) == len(flat):
        ordered, ranks = np.sort(flat), np.argsort(np.argsort(flat))
        middle = [ordered[index + (index >= ranks)] for index in ((len(flat) - 2) // 2, (len(flat) - 1) // 2)]
        return np.asarray((middle[0] + middle[1]) / 2)
    order = np.argsort(flat)
    ordered = flat[order]
    boot_of = np.repeat(np.arange(len(units)), [len(unit) for unit in units])[order]
    rests = (ordered[boot_of != boot] for boot in range(len(units)))
    return np.array([(rest[(len(rest) - 1) // 2] + rest[len(rest) // 2]) / 2 for rest in rests])


def interval(units: Units, confidence: float, seed: int) -> tuple[float, float]:
    """Return the limits of the median of a cell with two or more units."""
    first = units[0][0]
    if all(value == first for unit in units for value in unit):
        return first, first
    return bca(median(units), replicates(units, seed), [jackknife(units)], confidence)


def ratio_interval(one: Units, other: Units, confidence: float, seed: int) -> tuple[float, float]:
    """Return the limits of the ratio of two medians of positive values, ``one`` over ``other``.

    A side of one unit with one value counts as a constant.
    """
    top, bottom = median(one), median(other)
    ratios = replicates(one, seed) / replicates(other, seed + RESAMPLES)
    jackknives = [jackknife(one) / bottom] if len(one) > 1 else []
    jackknives += [top / jackknife(other)] if len(other) > 1 else []
    return bca(top / bottom, ratios, jackknives, confidence)


def _flat(units: Units) -> Array:
    return np.fromiter(chain.from_iterable(units), float)


@lru_cache(maxsize=4)
def _counts(sizes: tuple[int, ...], seed: int, resamples: int) -> tuple[Counts, Counts]:
    """Draw boots of these sizes, then trials in each boot.

    Return how often each value is drawn, shape (values, resamples), and the number of draws, shape (resamples,).
    """
    rng = np.random.default_rng(seed)
    lengths = np.array(sizes)
    starts = np.cumsum(lengths) - lengths
    boots = rng.integers(0, len(sizes), (resamples, len(sizes)))
    drawn = lengths[boots].ravel()
    indices = np.repeat(starts[boots].ravel(), drawn) + (
        rng.random(drawn.sum()) * np.repeat(drawn, drawn)
    ).astype(int)
    totals = lengths[boots].sum(axis=1)
    indices += np.repeat(np.arange(resamples), totals) * lengths.sum()
    counts = np.bincount(indices, minlength=resamples * lengths.sum()).reshape(resamples, -1)
    kind = np.int16 if len(sizes) * max(sizes) < np.iinfo(np.int16).max else np.int32
    return np.ascontiguousarray(counts.T, dtype=kind), totals.astype(kind)


def _medians_of_counts(values: Array, order: NDArray[np.intp], counts: Counts, totals: Counts) -> Array:
    """Return the median of each resample from the counts of its values, without sorting any resample."""
    lower, upper = (totals - 1) // 2, totals // 2
    reached, low, high = np.zeros_like(totals), np.zeros_like(totals), np.zeros_like(totals)
    last = upper.max()
    for step, index in enumerate(order):
        reached += counts[index]
        low += reached <= lower
        high += reached <= upper
        if step % _CHECK_EVERY == 0 and reached.min() > last:
            break
    ordered = values[order]
    return np.asarray((ordered[low] + ordered[high]) / 2)


def _medians_of_draws(ordered: Array, seed: int, resamples: int) -> Array:
    """Return medians of plain resamples of n values, without drawing n values."""
    low, high = _middles_of_draws(len(ordered), seed, resamples)
    return np.asarray((ordered[low] + ordered[high]) / 2)


@lru_cache(maxsize=4)
def _middles_of_draws(n: int, seed: int, resamples: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return the ranks, from 0, of the two values in the middle of each resample of n values.

    The k-th of n ordered draws is the value at the k-th of n ordered uniform numbers, which is Beta(k, n + 1 - k).
    The next one is the least of the n - k numbers above it (David and Nagaraja, *Order Statistics*, 2003, 2.5).
    """
    rng = np.random.default_rng(seed)
    k = (n + 1) // 2
    lower = rng.beta(k, n + 1 - k, resamples)
    upper = lower if n % 2 else lower + (1 - lower) * rng.beta(1, n - k, resamples)
    low, high = (np.minimum((n * share).astype(int), n - 1) for share in (lower, upper))
    return low, high
