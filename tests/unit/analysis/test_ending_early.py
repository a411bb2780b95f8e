"""Coverage of intervals under the stop rule, by simulation. As a program it prints the table in docs/statistics.md."""

from __future__ import annotations

import numpy as np
from scipy import stats

from orchestrator.analysis.intervals import of_median

HALF_WIDTH, MOST = 0.02, 30


def coverage(deviation: float, least: int, runs: int) -> tuple[float, float]:
    """Share of runs whose last interval holds the true median, and boots per run.

    Boots and the two trials of each are log-normal, both with this standard deviation.
    """
    rng = np.random.default_rng(1)
    covered = used = 0
    for _ in range(runs):
        values = np.exp(rng.normal(0, deviation, (MOST, 1)) + rng.normal(0, deviation, (MOST, 2)))
        for count in range(least, MOST + 1):
            interval, _ = of_median(tuple(map(tuple, values[:count].tolist())), "us")
            assert interval is not None
            if interval.high - interval.low <= 2 * HALF_WIDTH * float(np.median(values[:count])):
                break
        used += count
        covered += interval.low <= 1 <= interval.high
    return covered / runs, used / runs


def test_intervals_of_the_stop_rule_cover_a_little_less_than_nominal() -> None:
    runs = 100
    covered, used = coverage(0.02, 6, runs)
    assert 6 < used < MOST, "some runs end early, and not all of them at once"
    assert covered * runs >= stats.binom.ppf(0.01, runs, 0.90)


if __name__ == "__main__":
    for least in (6, 10):
        for deviation in (0.005, 0.01, 0.02, 0.03):
            covered, used = coverage(deviation, least, 300)
            print(f"min {least:2}  deviation {deviation:5.1%}  boots {used:4.1f}  covered {covered:5.1%}")
