"""Speed-ups are ratios of medians in one environment; above 1 is better."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from orchestrator.analysis.modelled import Metrics
from orchestrator.analysis.phases import phases_of
from orchestrator.analysis.speedup import Speedup, published_ratio, speedups
from orchestrator.analysis.summary import CellSummary, estimate
from orchestrator.experiment.model import Breakdown, Comparison, Published, PublishedFigure
from orchestrator.results.records import FactorInfo, MetricInfo

FACTORS = (
    FactorInfo("mode", ("serial", "parallel")),
    FactorInfo("pages", ("1", "16")),
    FactorInfo("bytes"),  # derived
)
RATE = MetricInfo("rate", "GiB/s", "higher")
TIME = MetricInfo("time", "us", "lower")
MODEL = MetricInfo("modelled_time", "us", "lower", models="time")
PHASES = tuple(MetricInfo(name, "us", "lower") for name in ("copy_time", "map_time", "shootdowns"))
WALL = Metrics((RATE, TIME, MODEL, *PHASES), frozenset())
COUNTING = Metrics(WALL.known, frozenset({"vm-icount"}))


def cell(
    mode: str, pages: str = "1", environment: str = "vm-kvm", derived: str = "", **figures: float
) -> CellSummary:
    factors = {"kernel": "k", "mode": mode, "pages": pages, "bytes": derived or f"{mode}{pages}"}
    estimates = tuple(estimate(name, "", ((value,),)) for name, value in figures.items())
    return CellSummary(f"{mode}{pages}", factors, environment, {"ok": 1}, estimates, None)


def compared(
    cells: list[CellSummary],
    metric: str = "rate",
    metrics: Metrics = WALL,
    baseline: Mapping[str, str] | None = None,
    published: Published | None = None,
) -> list[Speedup]:
    comparison = Comparison(metric, baseline or {"mode": "serial"}, published)
    return list(speedups(cells, comparison, FACTORS, metrics, lambda cell, metric: ((1.0,),)))


def test_more_than_one_is_better_for_rates_and_for_times() -> None:
    cells = [cell("serial", rate=3.0, time=600.0), cell("parallel", rate=7.5, time=240.0)]
    assert [found.ratio for found in compared(cells)] == [1.0, 2.5]
    assert [found.ratio for found in compared(cells, "time")] == [1.0, 2.5]
    assert [found.baseline for found in compared(cells)] == ["serial1", "serial1"]


def test_the_baseline_of_a_cell_has_equal_other_factors() -> None:
    cells = [
        cell("parallel", "1", rate=8.0),
        cell("parallel", "16", rate=8.0),
        cell("serial", "16", rate=4.0),
        cell("serial", "1", rate=2.0),
    ]
    assert [found.ratio for found in compared(cells)] == [4.0, 2.0, 1.0, 1.0]


def test_never_across_environments() -> None:
    cells = [
        cell("serial", rate=3.0),
        cell("serial", rate=1.0, environment="metal"),
        cell("parallel", rate=3.0, environment="metal"),
        cell("parallel", rate=3.0, environment="vm-tcg"),
    ]
    found = compared(cells)
    assert [one.ratio for one in found] == [1.0, 1.0, 3.0, None]
    assert found[3].reason == "the baseline has not run in this environment"
    assert found[3].baseline == ""


@pytest.mark.parametrize(
    ("own", "other", "reason"),
    [
        ({}, {"rate": 3.0}, "no rate"),
        ({"rate": 3.0}, {}, "the baseline has no rate"),
        ({"rate": 3.0}, {"rate": 0.0}, "a rate of 0 has no ratio"),
        ({"rate": 0.0}, {"rate": 3.0}, "a rate of 0 has no ratio"),
    ],
)
def test_where_there_is_no_ratio_there_is_a_reason(
    own: dict[str, float], other: dict[str, float], reason: str
) -> None:
    _, found = compared([cell("serial", **other), cell("parallel", **own)])
    assert (found.ratio, found.reason) == (None, reason)


def test_on_the_instruction_clock_the_model_is_compared_and_nowhere_else() -> None:
    figures = {"vm-icount": (600.0, 200.0), "vm-kvm": (600.0, 300.0)}
    cells = [
        cell(mode, environment=environment, time=time, modelled_time=600.0 if mode == "serial" else 100.0)
        for environment, times in figures.items()
        for mode, time in zip(("serial", "parallel"), times, strict=True)
    ]
    found = [(one.metric, one.modelled, one.ratio) for one in compared(cells, "time", COUNTING)]
    assert found == [
        ("time", False, 1.0),  # one thread alone: the model says what was measured
        ("modelled_time", True, 6.0),
        ("time", False, 1.0),
        ("time", False, 2.0),
    ]


def test_modelled_and_measured_figures_are_never_compared() -> None:
    cells = [
        cell("serial", environment="vm-icount", time=600.0),
        cell("parallel", environment="vm-icount", time=500.0, modelled_time=100.0),
    ]
    found = [(one.metric, one.modelled, one.ratio) for one in compared(cells, "time", COUNTING)]
    assert found == [("time", False, 1.0), ("time", False, 1.2)]


def published(better: str, baseline: float | None) -> Published:
    figures = (PublishedFigure({"mode": "parallel", "pages": "1"}, 8.0, baseline),)
    assert better in ("higher", "lower")
    return Published("d", "s", "m", "k", "u", "lower" if better == "lower" else "higher", figures)


@pytest.mark.parametrize(
    ("better", "baseline", "ratio"), [("higher", 2.0, 4.0), ("lower", 2.0, 0.25), ("higher", None, None)]
)
def test_the_published_ratio_has_the_direction_of_the_measured_one(
    better: str, baseline: float | None, ratio: float | None
) -> None:
    cells = [cell("parallel", rate=1.0), cell("parallel", "16", rate=1.0)]
    found = compared(cells, published=published(better, baseline))
    assert [one.published for one in found] == [ratio, None]
    assert published_ratio(published(better, baseline), {"mode": "parallel"}) is None


BREAKDOWN = Breakdown("time", {"copy": "copy_time", "map": "map_time"}, ("shootdowns",))


def test_phases_and_their_rest_add_up_to_the_total() -> None:
    found = phases_of(cell("serial", time=600.0, copy_time=500.0, map_time=60.0), BREAKDOWN, WALL)
    assert found is not None
    assert (found.total, dict(found.phases), found.rest) == (600.0, {"copy": 500.0, "map": 60.0}, 40.0)
    assert dict(found.beside) == {"shootdowns": None}
    assert not found.modelled


def test_the_rest_needs_all_phases() -> None:
    found = phases_of(cell("serial", time=600.0, copy_time=500.0, shootdowns=1.0), BREAKDOWN, WALL)
    assert found is not None
    assert (found.phases["map"], found.rest, found.beside["shootdowns"]) == (None, None, 1.0)
    assert phases_of(cell("serial", time=600.0), BREAKDOWN, WALL) is None


def test_modelled_phases_are_marked() -> None:
    figures = {"time": 900.0, "modelled_time": 300.0, "copy_time": 150.0, "map_time": 100.0}
    found = phases_of(cell("parallel", environment="vm-icount", **figures), BREAKDOWN, COUNTING)
    assert found is not None
    assert (found.total, found.rest, found.modelled) == (300.0, 50.0, {"total"})
