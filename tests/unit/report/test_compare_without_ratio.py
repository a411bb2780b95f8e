"""``orchestrate compare`` without a ratio, with other units, and of runs that disagree on what is better.

Missed by others: falls to 0 (bencherdev/bencher#956, sharkdp/hyperfine#319), rises from 0 (binwalk-ng/binwalk-ng#107),
a baseline in us against figures in ns (EffortlessMetrics/perl-lsp#3079).
"""

from __future__ import annotations

import itertools
import json
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
from msgspec.structs import replace

from orchestrator.results.records import MetricInfo, MetricValue
from tests.calls import orchestrate
from tests.run_samples import BLOCK, END, RUN, trial, write

A, B = "20261123T101500000Z-0a1b", "20261124T101500000Z-0a1b"
Boots = Sequence[Sequence[float]]
Made = Callable[..., subprocess.CompletedProcess[str]]


def around(centre: float, boots: int = 8, seed: int = 1) -> Boots:
    return (centre * np.exp(np.random.default_rng(seed).normal(0, 0.01, (boots, 5)))).tolist()  # type: ignore[no-any-return]


@pytest.fixture
def compare(tmp_path: Path) -> Made:
    """Compare two made-up runs of one cell and one metric."""

    calls = itertools.count()

    def make(
        results: Path, name: str, boots: Boots, unit: str, better: Literal["higher", "lower", "neither"]
    ) -> None:
        opening = replace(
            RUN, run=name, headline="figure", metrics=(MetricInfo("figure", unit, better),), factors=()
        )
        records = [
            replace(
                trial({}, 5 * number + place, boot=f"{name}-{number}", environment="metal"),
                metrics={"figure": MetricValue(value, unit)},
            )
            for number, boot in enumerate(boots)
            for place, value in enumerate(boot)
        ]
        write(results / "quickstart" / name, [opening, BLOCK, *records, END])

    def call(base: Boots, new: Boots, *words: str, **sides: Any) -> subprocess.CompletedProcess[str]:
        results = tmp_path / str(next(calls))
        unit, better = sides.get("unit", "GiB/s"), sides.get("better", "higher")
        make(results, A, base, unit, better)
        make(results, B, new, sides.get("new_unit", unit), sides.get("new_better", better))
        words = words or ("--fail-on-regression", "5%", "--format", "json")
        return orchestrate("compare", A, B, *words, "--results", str(results))

    return call


def zeros(boots: int = 8) -> Boots:
    return [[0.0] * 5] * boots


def share_of_zeros(zero: int, value: float = 12.0) -> Boots:
    return [[0.0] * zero + [value] * (5 - zero)] * 8


@pytest.mark.parametrize(
    ("better", "base", "new", "code", "verdict", "reason"),
    [
        ("higher", around(5), zeros(), 5, "slower", "fell to 0"),
        ("higher", zeros(), around(5), 0, "faster", "rose from 0"),
        ("lower", zeros(), [[12.0] * 5] * 8, 5, "slower", "rose from 0"),
        ("lower", around(5), zeros(), 0, "faster", "fell to 0"),
        ("lower", zeros(), zeros(), 0, "no difference", ""),
        (
            "lower",
            zeros(),
            share_of_zeros(3),
            5,
            "slower",
            "0 in 24 of 40 trials, in 40 of 40 of the baseline",
        ),
        ("lower", share_of_zeros(4), share_of_zeros(1), 5, "slower", "0 in 8 of 40 trials, in 32 of 40"),
        ("higher", [[-5.0] * 5] * 8, [[-6.0] * 5] * 8, 5, "slower", "from -5 to -6, compared by rank"),
        ("higher", [[-1.0] * 5] * 8, [[3.0] * 5] * 8, 0, "faster", "from -1 to 3, compared by rank"),
        ("higher", share_of_zeros(2), share_of_zeros(2), 6, "too noisy", "0 in 16 of 40 trials"),
        # one more trial of 40 is at 0 in two boots: nothing can be said
        ("lower", zeros(), [*zeros(7), [0, 0, 0, 0, 12.0]], 6, "too noisy", "0 in 39 of 40 trials"),
    ],
)
def test_direction_decides_without_a_ratio(
    compare: Made, better: str, base: Boots, new: Boots, code: int, verdict: str, reason: str
) -> None:
    ended = compare(base, new, better=better, unit="figures")
    assert ended.returncode == code, ended.stderr
    (row,) = json.loads(ended.stdout)["rows"]
    assert (row["ratio"], row["verdict"]) == (None, verdict)
    assert row["reason"].startswith(reason)
    assert json.loads(ended.stdout)["regressions"] == (code == 5)


def test_work_that_ceases_needs_no_test_and_errors_that_appear_do(compare: Made) -> None:
    """One boot on each side: there is no p. No work at all is reported as a missing figure would be."""
    ended = compare(around(5, 1), zeros(1))
    (row,) = json.loads(ended.stdout)["rows"]
    assert (ended.returncode, row["verdict"], row["p"], row["reason"]) == (5, "slower", None, "fell to 0")
    ended = compare(zeros(1), around(5, 1), better="lower")
    (row,) = json.loads(ended.stdout)["rows"]
    assert (ended.returncode, row["verdict"]) == (6, "too few")
    assert row["reason"].startswith("rose from 0; one boot on a side gives no spread")


def test_the_limit_holds_for_the_means_where_only_some_figures_are_0(compare: Made) -> None:
    """All boots have one trial of 0; the others get worse by 1 %, or by 10 %."""
    for factor, code in ((0.99, 0), (0.9, 5)):
        base = [[0.0, 10, 10, 10, 10]] * 8
        new = [[0.0, *[10 * factor] * 4]] * 8
        ended = compare(base, new)
        assert json.loads(ended.stdout)["rows"][0]["verdict"] == "slower"
        assert ended.returncode == code


@pytest.mark.parametrize(
    ("unit", "other", "base", "new", "ratio"),
    [
        ("MB/s", "MiB/s", 5000, 4768.37, 1.0),
        ("ms", "us", 5, 5000, 1.0),
        ("us", "ms", 5000, 10, 2.0),
        ("us", "ns", 120, 240_000, 2.0),
        ("GiB/s", "MiB/s", 5, 2560, 0.5),
        ("s/GiB", "us/MiB", 1, 976.5625, 1.0),
        ("1/s", "1/ms", 100, 0.1, 1.0),
        ("%", "ratio", 50, 0.25, 0.5),
        ("GHz", "MHz", 2.4, 2400, 1.0),
        ("µs", "us", 7, 7, 1.0),
    ],
)
def test_units_are_converted(
    compare: Made, unit: str, other: str, base: float, new: float, ratio: float
) -> None:
    ended = compare(
        [[base] * 5] * 8, [[new] * 5] * 8, "--format", "json", unit=unit, new_unit=other, better="higher"
    )
    (row,) = json.loads(ended.stdout)["rows"]
    assert row["ratio"] == pytest.approx(ratio, rel=1e-4)
    assert row["unit"] == unit
    assert f"new side converted from {other}" in row["note"]
    assert row["new"]["median"] == pytest.approx(base * ratio, rel=1e-4)


@pytest.mark.parametrize(
    ("unit", "other"), [("ms", "count"), ("MB/s", "MHz"), ("MB/s", "MB"), ("op/s", "req/s"), ("s", "")]
)
def test_units_that_cannot_be_converted_are_named(compare: Made, unit: str, other: str) -> None:
    ended = compare(around(5), around(5), unit=unit, new_unit=other)
    assert (ended.returncode, ended.stdout) == (2, "")
    named = f"the unit is {unit} in run {A}, {other or 'not given'} in run {B}"
    assert f"metric figure: {named}" in ended.stderr


def test_runs_that_disagree_on_what_is_better_are_not_compared(compare: Made) -> None:
    ended = compare(around(5), around(4), better="lower", new_better="higher")
    assert (ended.returncode, ended.stdout) == (2, "")
    assert f"lower is better in run {A}, higher is better in run {B}" in ended.stderr
    assert compare(around(5), around(4), better="neither", new_better="higher").returncode == 5
    ended = compare(around(5), around(4), better="neither")
    assert (ended.returncode, "neither higher nor lower is better in run" in ended.stderr) == (2, True)


def test_percent_and_percentage_points_are_told_apart(compare: Made) -> None:
    ended = compare([[2.0] * 5] * 8, [[3.0] * 5] * 8, "--format", "text", unit="%", better="lower")
    assert "0.6667" in ended.stdout
    assert "  slower\n    +1 percentage points\n" in ended.stdout
    assert "Ratios and limits of figures in % are relative" in ended.stdout


@pytest.mark.parametrize(
    ("limit", "error"),
    [
        ("0.05", "'0.05' is ambiguous; write 5% or 0.05%"),
        ("100%", "expected a percentage below 100, such as 5%"),
        ("five", "expected a percentage below 100, such as 5%"),
        ("5", ""),
        ("0", ""),
        ("0.5%", ""),
    ],
)
def test_a_percentage_reads_like_one(compare: Made, limit: str, error: str) -> None:
    ended = compare(around(5), zeros(), "--fail-on-regression", limit)
    assert ended.returncode == (2 if error else 5)
    assert error in ended.stderr
