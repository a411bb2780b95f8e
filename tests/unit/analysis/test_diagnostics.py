"""Anomalies of cells: rarely found in plain noise, found if planted.

Run as a program it prints the rates of docs/statistics.md.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from orchestrator.analysis.diagnostics import METHODS, Finding, Observed, examine, significant
from orchestrator.analysis.rank_tests import trend, warm_up

Values = NDArray[np.float64]
BETWEEN, WITHIN = 0.005, 0.01
"""Standard deviations of log values, of boots and of trials, as in the tests of verdicts."""


def noise(rng: np.random.Generator, boots: int, trials: int) -> Values:
    """Values by boot and trial that have nothing odd."""
    return np.asarray(
        100 * np.exp(rng.normal(0, BETWEEN, (boots, 1)) + rng.normal(0, WITHIN, (boots, trials)))
    )


def look_at(*cells: Values) -> list[Finding]:
    """What a report says of cells whose values are given by boot and trial."""
    found: list[Finding] = []
    for number, values in enumerate(cells):
        observed = [
            Observed(f"{number}-{boot}-{trial}", str(boot), float(value))
            for boot, row in enumerate(values)
            for trial, value in enumerate(row)
        ]
        found += examine(Finding("outlier", str(number), "metal", "time", "", None), observed)
    return significant(found)


def false_alarms(boots: int, trials: int, reports: int, round_to: int = 12) -> Counter[str]:
    """In how many of so many reports, of three cells each, there is a finding of each kind."""
    rng = np.random.default_rng(20170217)
    counts: Counter[str] = Counter()
    for _ in range(reports):
        cells = [noise(rng, boots, trials).round(round_to) for _ in range(3)]
        counts.update({found.kind for found in look_at(*cells)})
    return counts


@pytest.mark.parametrize(("boots", "trials", "round_to"), [(8, 10, 12), (1, 40, 12), (10, 2, 12), (8, 10, 0)])
def test_plain_noise_rarely_has_anomalies(boots: int, trials: int, round_to: int) -> None:
    reports = 150
    found = false_alarms(boots, trials, reports, round_to)
    for kind in set(METHODS) - {"outlier"}:
        assert found[kind] <= stats.binom.ppf(0.999, reports, 0.05), (kind, found)


def warm(values: Values) -> Values:
    values[:, :2] *= 1.05
    return values


def drifting(values: Values) -> Values:
    return np.asarray(values * np.linspace(1, 1.05, len(values))[:, None])


def two_kinds_of_boot(values: Values) -> Values:
    values[::2] *= 1.2
    return values


def two_kinds_of_trial(values: Values) -> Values:
    values[:, ::2] *= 1.2
    return np.asarray(np.random.default_rng(1).permuted(values, axis=1))


@pytest.mark.parametrize(
    ("plant", "kind"),
    [
        (warm, "warm-up"),
        (drifting, "drift"),
        (two_kinds_of_boot, "two modes"),
        (two_kinds_of_trial, "two modes"),
    ],
)
def test_planted_anomalies_are_found_in_their_cell(plant: Callable[[Values], Values], kind: str) -> None:
    rng = np.random.default_rng(5)
    cells = [noise(rng, 12, 12) for _ in range(10)]
    cells[4] = plant(cells[4])
    found = {(each.kind, each.cell): each.p for each in look_at(*cells) if each.p is not None}
    assert min(found, key=lambda which: found[which]) == (kind, "4")
    assert len(found) <= 2, "one more by chance at most"


def test_the_trials_of_a_warm_up_are_named() -> None:
    (found,) = (
        each for each in look_at(warm(noise(np.random.default_rng(6), 6, 8))) if each.kind == "warm-up"
    )
    assert found.trials == tuple(f"0-{boot}-{trial}" for boot in range(6) for trial in range(2))
    assert found.message.startswith("the first 2 trials of each boot differ (median +5")


def test_outliers_are_named_with_their_values() -> None:
    values = noise(np.random.default_rng(7), 3, 8)
    values[1, 4] = 300.0
    (found,) = (each for each in look_at(values) if each.kind == "outlier")
    assert (found.trials, found.p) == (("0-1-4",), None)
    assert found.message == "1 of 24 trials are far out: 300"


def test_constant_values_have_no_anomalies() -> None:
    assert look_at(np.full((8, 10), 42.0), np.full((1, 1), 0.0), np.zeros((3, 9))) == []


@pytest.mark.parametrize("ties", [False, True])
def test_the_trend_is_that_of_scipy(ties: bool) -> None:
    rng = np.random.default_rng(8)
    for n in (4, 7, 12):
        values = rng.integers(0, 4, n).astype(float) if ties else rng.normal(size=n)
        theirs = stats.kendalltau(np.arange(n), values, method="asymptotic" if ties else "exact", variant="c")
        tau, p = trend(values.tolist())
        if not ties:
            assert (tau, p) == pytest.approx((theirs.statistic, theirs.pvalue))
        else:  # ours is corrected for continuity
            assert p >= theirs.pvalue - 1e-9


def test_the_rank_test_of_one_boot_is_wilcoxons() -> None:
    values = np.random.default_rng(9).normal(size=4)
    theirs = stats.mannwhitneyu(values[:2], values[2:], use_continuity=False, method="asymptotic").pvalue
    one = stats.mannwhitneyu(values[:1], values[1:], use_continuity=False, method="asymptotic").pvalue
    assert warm_up([values.tolist()])[1] == pytest.approx(min(1.0, 2 * min(theirs, one)))


if __name__ == "__main__":
    reports = int(sys.argv[1]) if len(sys.argv) > 1 else 500
    for boots, trials in ((1, 20), (1, 100), (6, 5), (8, 10), (20, 20)):
        found = false_alarms(boots, trials, reports)
        rates = ", ".join(f"{kind} {found[kind] / reports:.1%}" for kind in METHODS)
        print(f"{boots:2} boots of {trials:3} trials: {rates}")
