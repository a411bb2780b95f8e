"""Verdicts on simulated boots: false ones stay at the stated rate, planted slow-downs are found."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from scipy import stats

from orchestrator.analysis.bootstrap import bca, interval, jackknife, replicates
from orchestrator.analysis.comparison import Row, Rules, compare, judge
from orchestrator.analysis.multiple import holm
from orchestrator.analysis.samples import Excluded, Sample
from orchestrator.analysis.significance import permutation_p, smallest_p
from orchestrator.analysis.values import Units
from orchestrator.results.records import MetricInfo
from orchestrator.sample_size import min_sample_size

LATENCY = MetricInfo("latency", "us", "lower")
RATE = MetricInfo("rate", "GiB/s", "higher")
STANDARD = Rules()
BOOTS, TRIALS = 7, 5
BETWEEN, WITHIN = 0.005, 0.01
"""Standard deviations of log values: of boots around the cell's value, of trials around their boot's."""
#: LSAT and GPA of the 15 law schools of Efron and Tibshirani (1993), table 3.1
LSAT = [576, 635, 558, 578, 666, 580, 555, 661, 651, 605, 653, 575, 545, 572, 594]
GPA = [3.39, 3.30, 2.81, 3.03, 3.44, 3.07, 3.00, 3.43, 3.36, 3.13, 3.12, 2.74, 2.76, 2.88, 2.96]


def boots(rng: np.random.Generator, centre: float, count: int = BOOTS) -> Units:
    """Boots that differ, and trials that differ in them, log-normally."""
    values = rng.normal(0, BETWEEN, (count, 1)) + rng.normal(0, WITHIN, (count, TRIALS))
    return tuple(tuple(float(v) for v in unit) for unit in centre * np.exp(values))


def sample(units: Units, cell: str = "a", environment: str = "metal", **changes: object) -> Sample:
    values = {"factors": {"kernel": "k", "mode": cell}, "label": "", "excluded": ()} | changes
    return Sample(cell=cell, environment=environment, boots=units, **values)  # type: ignore[arg-type]


def judged(
    base: list[Sample], new: list[Sample], metric: MetricInfo = LATENCY, rules: Rules = STANDARD
) -> list[Row]:
    return judge(compare(metric, base, new, (), rules), rules)


@pytest.mark.slow
def test_200_comparisons_without_a_difference() -> None:
    rng = np.random.default_rng(20170217)
    false = wrong_width = 0
    for _ in range(200):
        cells = ["a", "b"]
        sides = [[sample(boots(rng, 100.0), cell) for cell in cells] for _ in range(2)]
        found = judged(*sides, rules=Rules(margin=0))  # with one, hardly a false verdict would be left
        false += any(row.verdict in ("faster", "slower") for row in found)
        wrong_width += sum(not row.interval[0] <= 1 <= row.interval[1] for row in found if row.interval)
    # At 5 % of 200 families 10 are expected at most; 18 or fewer come in 99.4 % of all such experiments.
    assert false <= stats.binom.ppf(0.99, 200, 0.05)
    assert wrong_width <= stats.binom.ppf(0.99, 400, 0.05)


def test_a_slow_down_of_3_percent_is_found() -> None:
    rng = np.random.default_rng(3)
    found = [judged([sample(boots(rng, 100.0))], [sample(boots(rng, 103.0))])[0] for _ in range(60)]
    assert sum(row.verdict == "slower" for row in found) >= 0.95 * len(found)
    assert not any(row.verdict == "faster" for row in found)
    assert np.median([row.ratio for row in found]) == pytest.approx(1 / 1.03, abs=0.003)


def test_no_difference_needs_a_narrow_interval() -> None:
    rng = np.random.default_rng(4)
    quiet = tuple(tuple(100 * math.exp(v) for v in rng.normal(0, 0.001, 5)) for _ in range(12))
    assert judged([sample(quiet[:6])], [sample(quiet[6:])])[0].verdict == "no difference"
    (tight,) = judged([sample(quiet[:6])], [sample(quiet[6:])], rules=Rules(margin=0.0001))
    assert tight.verdict == "too noisy"


def test_a_significant_difference_inside_the_margin_is_no_difference() -> None:
    rng = np.random.default_rng(6)
    sides = [
        tuple(tuple(rng.normal(centre, 0.01, 5).tolist()) for _ in range(6)) for centre in (100.0, 100.5)
    ]
    (row,) = judged([sample(sides[0])], [sample(sides[1])])
    assert (row.verdict, row.adjusted) == ("no difference", pytest.approx(2 / math.comb(12, 6)))
    (row,) = judged([sample(sides[0])], [sample(sides[1])], rules=Rules(margin=0))
    assert row.verdict == "slower"


def test_too_few_boots_are_the_reason_of_the_verdict() -> None:
    rng = np.random.default_rng(5)
    for count, start in ((1, "one boot on a side"), (2, "2 and 2 boots are too few to distinguish 1 cell")):
        (row,) = judged([sample(boots(rng, 100.0, count))], [sample(boots(rng, 200.0, count))])
        assert (row.verdict, row.interval) == ("too few", None)
        assert row.reason.startswith(start)
    rules = Rules(unit="trial")
    (row,) = judged([sample(boots(rng, 100.0, 2))], [sample(boots(rng, 200.0, 2))], rules=rules)
    assert row.verdict == "slower"


@pytest.mark.parametrize(
    ("metric", "new", "ratio"),
    [
        (LATENCY, 200.0, 0.5),
        (RATE, 200.0, 2.0),
        (MetricInfo("efficiency", "ratio", "higher"), 200.0, 2.0),
        (MetricInfo("misses", "1/s", "lower"), 200.0, 0.5),
    ],
)
def test_a_ratio_above_1_is_better_for_every_metric(metric: MetricInfo, new: float, ratio: float) -> None:
    sides = [[sample(((value,) * 3,) * 6)] for value in (100.0, new)]
    (row,) = judged(*sides, metric=metric)
    assert row.ratio == pytest.approx(ratio)
    assert row.verdict == ("faster" if ratio > 1 else "slower")


@given(st.lists(st.floats(1, 1e6), min_size=4, max_size=4))
def test_throughput_and_latency_of_the_same_trials_have_one_ratio(values: list[float]) -> None:
    times = [(tuple(values[:2]),), (tuple(values[2:]),)]
    rates = [tuple(tuple(1 / value for value in unit) for unit in side) for side in times]
    (by_time,) = judged([sample(times[0])], [sample(times[1])])
    (by_rate,) = judged([sample(rates[0])], [sample(rates[1])], metric=RATE)
    assert by_rate.ratio == pytest.approx(by_time.ratio)


def test_no_cell_is_dropped_and_environments_are_separate() -> None:
    units = ((1.0,), (2.0,))
    gone = sample((), "b", excluded=(Excluded("t1", "crashed", "the host died"),))
    base = [sample(units), sample(units, "b"), sample(units, "c", "vm-icount")]
    found = judged(base, [sample(units), gone, sample(units, "c", "metal")])
    assert [row.reason for row in found[1:]] == [
        "no trial of the new side has a figure",
        "the new side has no such cell",
        "the baseline has no such cell",
    ]
    assert [row.vanished for row in found] == [False, True, True, False]
    mixed = judged(base[2:], [sample(units, "c", "metal")], rules=Rules(mix=True))
    assert mixed[0].note == "MIXED ENVIRONMENTS: vm-icount against metal"
    (changed,) = judged([sample(units)], [replace(sample(units), cell="another command")])
    assert changed.note == "command or settings differ"
    labelled = judged([sample(units)], [sample(units, label="dma (software channel)")])
    assert labelled[0].verdict == "not compared"


@given(st.lists(st.floats(0, 1), max_size=30))
def test_holm_follows_its_definition(p_values: list[float]) -> None:
    found = holm(p_values)
    assert all(raw <= adjusted <= 1 for raw, adjusted in zip(p_values, found, strict=True))
    order = sorted(range(len(p_values)), key=p_values.__getitem__)
    assert [found[at] for at in order] == sorted(found)
    for level in (0.01, 0.05, 0.5):
        rejected = 0
        while rejected < len(order) and p_values[order[rejected]] * (len(order) - rejected) <= level:
            rejected += 1
        assert sum(p <= level for p in found) == rejected


def test_all_permutations_of_few_boots_are_tried() -> None:
    low, high = ((1.0,), (2.0,), (3.0,)), ((4.0,), (5.0,), (6.0,))
    assert permutation_p(low, high, 1) == pytest.approx(2 / 20) == pytest.approx(smallest_p(3, 3))
    assert permutation_p(low, low, 1) == 1


def test_the_limits_are_those_of_scipy_where_each_boot_has_one_trial() -> None:
    values = np.random.default_rng(6).lognormal(0, 0.3, 25)
    theirs = stats.bootstrap(
        (values,), np.median, n_resamples=9999, rng=np.random.default_rng(7), method="BCa"
    ).confidence_interval
    ours = interval(tuple((float(value),) for value in values), 0.95, 8)
    assert ours == pytest.approx((theirs.low, theirs.high), abs=0.05)


def test_the_formula_of_bca_is_that_of_scipy_on_the_law_schools() -> None:
    lsat, gpa = np.array(LSAT, float), np.array(GPA)

    def correlation(x: np.ndarray, y: np.ndarray) -> float:  # type: ignore[type-arg]
        return float(np.corrcoef(x, y)[0, 1])

    estimate = correlation(lsat, gpa)
    assert estimate == pytest.approx(0.776, abs=0.0005)  # Efron and Tibshirani (1993), section 3.2
    theirs = stats.bootstrap(
        (lsat, gpa),
        correlation,
        paired=True,
        vectorized=False,
        n_resamples=4000,
        rng=np.random.default_rng(1),
    )
    assert theirs.standard_error == pytest.approx(
        0.132, abs=0.01
    )  # there, table 6.1: 0.132 of 3200 resamples
    left = np.array([correlation(np.delete(lsat, at), np.delete(gpa, at)) for at in range(len(lsat))])
    ours = bca(estimate, theirs.bootstrap_distribution, [left], 0.95)
    assert ours == pytest.approx(tuple(theirs.confidence_interval), abs=1e-3)


def test_the_spread_of_resampled_medians_is_the_published_one_of_the_mice() -> None:
    """Efron and Tibshirani (1993), table 2.2: the ideal standard error of the treated mice's median is 37.83."""
    treated = (94.0, 197.0, 16.0, 38.0, 99.0, 141.0, 23.0)
    one_by_one = replicates(tuple((value,) for value in treated), 1, 100_000)
    within_a_boot = replicates((treated,), 1, 100_000)
    assert one_by_one.std() == pytest.approx(37.83, abs=0.3)
    assert within_a_boot.std() == pytest.approx(37.83, abs=0.3)


@pytest.mark.parametrize("units", [((1.0, 2.0, 9.0), (4.0,), (5.0, 7.0)), ((3.0,), (1.0,), (8.0,), (9.0,))])
def test_medians_without_sorting_are_those_of_resamples_that_are_drawn_and_sorted(units: Units) -> None:
    rng = np.random.default_rng(9)
    drawn = []
    for _ in range(20_000):
        boots = [units[at] for at in rng.integers(0, len(units), len(units))]
        drawn.append(float(np.median(np.concatenate([rng.choice(boot, len(boot)) for boot in boots]))))
    found = replicates(units, 10, 20_000)
    assert stats.ks_2samp(found, drawn).statistic < 0.02, (
        "1.63 * sqrt(2 / 20000): 1 % of equal ones exceed 0.016"
    )


def test_medians_with_each_unit_left_out() -> None:
    for count in (2, 5, 8):
        values = np.random.default_rng(count).integers(0, 5, count).astype(float)
        expected = [np.median(np.delete(values, at)) for at in range(count)]
        assert jackknife(tuple((value,) for value in values)).tolist() == expected
    assert jackknife(((5.0, 1.0), (4.0,), (2.0, 9.0, 3.0))).tolist() == [3.5, 3.0, 4.0]


def test_resamples_of_uneven_boots_hold_only_values_that_were_measured() -> None:
    units = ((1.0, 2.0, 3.0), (10.0,), (20.0, 21.0))
    found = replicates(units, 1, 500)
    assert found.min() >= 1
    assert found.max() <= 21
    assert len(jackknife(units)) == 3


def test_how_many_boots_an_interval_needs() -> None:
    assert [min_sample_size(level) for level in (0.5, 0.9, 0.95, 0.99)] == [2, 5, 6, 8]


def test_the_same_data_give_the_same_figures() -> None:
    sides = [[sample(boots(np.random.default_rng(seed), 100.0))] for seed in (1, 2)]
    assert judged(*sides) == judged(*sides)


def test_durations_without_a_meaning_are_compared_by_force_only() -> None:
    sides = [[sample(((value,) * 3,) * 6, environment="vm-tcg")] for value in (100.0, 200.0)]
    (row,) = judged(*sides)
    assert (row.verdict, row.reason) == ("not compared", "durations in vm-tcg have no meaning")
    (forced,) = judged(*sides, rules=Rules(mix=True))
    assert (forced.verdict, forced.note) == ("slower", "durations in vm-tcg have no meaning")
