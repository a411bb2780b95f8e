"""Claims of a run about its shape, and the verdict of another run on them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import pytest

from orchestrator.analysis.claims import ClaimResult, claims, evaluate
from orchestrator.analysis.points import Points, points_of
from orchestrator.analysis.summary import CellSummary, estimate
from orchestrator.experiment.model import Comparison
from orchestrator.results.records import FactorInfo, MetricInfo, RunRecord
from orchestrator.results.store import Verification

RATE = MetricInfo("rate", "GiB/s", "higher")
MODEL = MetricInfo("modelled", "GiB/s", "higher", models="rate")
TIME = MetricInfo("time", "us", "lower")


@dataclass
class Run:
    """A run made of figures by (mode, threads, pages); ``mode`` is the name of the first factor."""

    figures: Mapping[tuple[str, int, int], list[float]]
    environment: str = "metal"
    metric: MetricInfo = RATE
    metrics: tuple[MetricInfo, ...] = (RATE, MODEL, TIME)
    baseline: Mapping[str, str] | None = None
    statuses: Mapping[tuple[str, int, int], str] = field(default_factory=dict)
    wrong: frozenset[str] = frozenset()
    labels: Mapping[str, str] = field(default_factory=dict)
    mode: str = "mode"

    @property
    def points(self) -> Points:
        keys = list(dict.fromkeys([*self.figures, *self.statuses]))
        names = (self.mode, "threads", "pages")
        levels = [tuple(dict.fromkeys(str(key[at]) for key in keys)) for at in range(3)]
        follower = [FactorInfo("sysctl.vm.threads", levels[1])] if len(levels[1]) > 1 else []
        factors = (*map(FactorInfo, names, levels), *follower)
        opening = RunRecord(
            run="r",
            experiment="e",
            content_hash="",
            seed=0,
            trials=0,
            time="",
            headline="rate",
            metrics=self.metrics,
            factors=factors,
            compare=Comparison("rate", self.baseline) if self.baseline else None,
        )
        counting = frozenset({"vm-icount"}) & {self.environment}
        return points_of(opening, [self.cell(key) for key in keys], self.metrics, counting)

    def cell(self, key: tuple[str, int, int]) -> CellSummary:
        mode, threads, pages = map(str, key)
        values = self.figures.get(key, [])
        return CellSummary(
            cell=f"{mode}-{threads}-{pages}",
            factors={self.mode: mode, "threads": threads, "pages": pages, "sysctl.vm.threads": threads},
            environment=self.environment,
            statuses=dict.fromkeys(self.statuses.get(key, "ok").split(), max(1, len(values))),
            estimates=(estimate(self.metric.name, self.metric.unit, (tuple(values),)),) if values else (),
            verification=Verification(1, 16, 15 if mode in self.wrong else 16, 100, 0),
            label=self.labels.get(mode, ""),
        )


def scaled(
    mode: str, by_threads: Mapping[int, float], spread: float = 0.0
) -> dict[tuple[str, int, int], list[float]]:
    return {(mode, t, 1): [v * (1 - spread), v, v * (1 + spread)] for t, v in by_threads.items()}


def of(kind: str, bundle: Run, local: Run) -> list[ClaimResult]:
    return [j for j in evaluate(bundle.points, local.points, local.points, 0.25) if j.kind == kind]


def one(kind: str, bundle: Run, local: Run) -> ClaimResult:
    (judged,) = of(kind, bundle, local)
    return judged


SERIAL = {"mode": "serial", "threads": "1", "sysctl.vm.threads": "1"}
THREE = {("serial", 1, 1): [1.0, 1.01], ("exchange", 1, 1): [1.5, 1.52], ("copy", 1, 1): [8.0, 8.1]}


def test_every_claim_of_a_run_holds_in_itself() -> None:
    run = Run(THREE | scaled("parallel", {2: 1.9, 4: 3.5, 8: 3.6}), baseline=SERIAL)
    made = claims(run.points, 0.25)
    assert {claim.kind for claim in made} == {"outcome", "order", "scaling", "ratio"}
    assert {claim.verdict for claim in made} == {"holds"}


# --- order -------------------------------------------------------------------------------------------------------


def test_the_order_of_modes_holds_on_a_machine_that_is_ten_times_faster() -> None:
    local = Run({key: [10 * value for value in values] for key, values in THREE.items()})
    judged = one("order", Run(THREE), local)
    assert judged.verdict == "holds"
    assert judged.bundle_value == "copy 8.05 GiB/s > exchange 1.51 GiB/s > serial 1.005 GiB/s"
    assert judged.local_value.startswith("copy 80.5 GiB/s > exchange 15.1")


def test_two_modes_that_swap_break_the_claim() -> None:
    judged = one("order", Run(THREE), Run(THREE | {("exchange", 1, 1): [0.7, 0.71]}))
    assert judged.verdict == "does not hold"
    assert judged.reason == "exchange is not better than serial"


def test_two_modes_that_become_equal_break_the_claim() -> None:
    local = Run({key: [1.0] for key in THREE})
    assert one("order", Run(THREE), local).verdict == "does not hold"


def test_modes_that_were_close_have_no_order() -> None:
    near = THREE | {("exchange", 1, 1): [1.05, 1.06]}
    assert one("order", Run(near), Run(THREE | {("exchange", 1, 1): [0.9, 0.91]})).verdict == "holds"


def test_a_run_with_close_modes_claims_no_order() -> None:
    run = Run({("serial", 1, 1): [1.0], ("mbind", 1, 1): [1.05]})
    assert not [claim for claim in claims(run.points, 0.25) if claim.kind == "order"]


def test_an_order_with_overlapping_trials_cannot_be_judged() -> None:
    judged = one("order", Run(THREE), Run(THREE | {("exchange", 1, 1): [0.6, 0.9, 1.4]}))
    assert (judged.verdict, judged.reason) == ("cannot be judged", "too noisy: single trials overlap")


def test_each_mode_is_ranked_with_its_best_number_of_threads() -> None:
    bundle = Run({("serial", 1, 1): [1.0]} | scaled("parallel", {2: 0.8, 8: 3.0}))
    local = Run({("serial", 1, 1): [1.0]} | scaled("parallel", {2: 2.5, 8: 0.5}))
    assert one("order", bundle, local).verdict == "holds"


def test_lower_times_are_better() -> None:
    times = {("serial", 1, 1): [100.0], ("exchange", 1, 1): [50.0]}
    bundle = Run(times, metric=TIME, metrics=(MetricInfo("rate", "", "neither"), TIME), baseline=None)
    bundle.metrics = (MetricInfo("rate", "us", "lower"),)
    bundle.metric = bundle.metrics[0]
    local = Run(
        {("serial", 1, 1): [50.0], ("exchange", 1, 1): [100.0]}, metric=bundle.metric, metrics=bundle.metrics
    )
    assert one("order", bundle, bundle).bundle_value == "exchange 50 us > serial 100 us"
    assert one("order", bundle, local).verdict == "does not hold"


def test_a_mode_that_falls_to_0_breaks_the_order() -> None:
    for fallen, other in (("copy", "exchange"), ("exchange", "serial")):
        judged = one("order", Run(THREE), Run(THREE | {(fallen, 1, 1): [0.0, 0.0]}))
        assert (judged.verdict, judged.reason) == ("does not hold", f"{fallen} is not better than {other}")
    judged = one("order", Run(THREE), Run(THREE | {("copy", 1, 1): [0.0, 8.0, 8.1]}))
    assert judged.verdict == "holds"


# --- scaling -----------------------------------------------------------------------------------------------------

ENDS_AT_4 = scaled("parallel", {1: 1.0, 2: 1.9, 4: 3.6, 8: 3.6, 16: 3.55})


@pytest.mark.parametrize(
    ("by_threads", "ends"),
    [
        ({1: 1.0, 2: 1.9, 4: 3.6, 8: 3.6, 16: 3.55}, "4"),
        ({1: 1.0, 2: 1.9, 4: 3.6, 8: 3.8, 16: 3.8}, "4 to 8"),
        ({1: 1.0, 2: 2.0, 4: 4.0, 8: 8.0, 16: 16.0}, "16"),
        ({1: 1.0, 2: 0.9, 4: 0.8, 8: 0.7, 16: 0.7}, "1"),
        ({1: 1.0, 2: 1.0, 4: 1.0, 8: 2.0, 16: 2.0}, "8"),
    ],
    ids=["plateau", "slow gain", "never", "at once", "late"],
)
def test_where_scaling_ends(by_threads: dict[int, float], ends: str) -> None:
    run = Run(scaled("parallel", by_threads))
    assert one("scaling", run, run).bundle_value.startswith(f"ends at {ends} (")


@pytest.mark.parametrize(
    ("by_threads", "verdict"),
    [
        ({1: 5.0, 2: 9.0, 4: 17.0, 8: 17.1, 16: 17.0}, "holds"),
        ({1: 1.0, 2: 1.9, 4: 3.6, 8: 3.8, 16: 3.8}, "holds"),
        ({1: 1.0, 2: 1.9, 4: 3.6, 8: 7.0, 16: 14.0}, "does not hold"),
        ({1: 1.0, 2: 1.0, 4: 1.0, 8: 1.0, 16: 1.0}, "does not hold"),
    ],
    ids=["same", "by a generous reading", "goes on", "none at all"],
)
def test_scaling_is_compared_by_where_it_ends(by_threads: dict[int, float], verdict: str) -> None:
    assert one("scaling", Run(ENDS_AT_4), Run(scaled("parallel", by_threads))).verdict == verdict


def test_scaling_with_overlapping_trials_cannot_be_judged() -> None:
    noisy = Run(scaled("parallel", {1: 1.0, 2: 1.9, 4: 3.0, 8: 3.6, 16: 3.6}, spread=0.2))
    assert one("scaling", Run(ENDS_AT_4), noisy).verdict == "cannot be judged"


def test_scaling_does_not_hold_where_a_figure_is_0() -> None:
    judged = one(
        "scaling", Run(ENDS_AT_4), Run(scaled("parallel", {1: 1.0, 2: 1.9, 4: 3.6, 8: 3.6, 16: 0.0}))
    )
    assert (judged.verdict, judged.reason) == (
        "does not hold",
        "rate is 0 in every trial of parallel, threads=16",
    )


def test_scaling_that_ends_elsewhere_says_where() -> None:
    judged = one(
        "scaling", Run(ENDS_AT_4), Run(scaled("parallel", {1: 1.0, 2: 1.9, 4: 3.6, 8: 7.0, 16: 14.0}))
    )
    assert judged.reason == "it ends at 16 threads, in the bundle at 4"


def test_scaling_needs_three_numbers_of_threads_on_both_sides() -> None:
    judged = one("scaling", Run(ENDS_AT_4), Run(scaled("parallel", {1: 1.0, 16: 3.5})))
    assert judged.verdict == "cannot be judged"
    assert not of("scaling", Run(scaled("parallel", {1: 1.0, 16: 3.5})), Run(ENDS_AT_4))


def test_scaling_begins_at_the_baseline_of_few_threads() -> None:
    run = Run(
        {("serial", 1, 1): [1.0]} | scaled("parallel", {2: 1.0, 4: 1.0}),
        baseline=SERIAL,
    )
    assert one("scaling", run, run).bundle_value.startswith("ends at 1 (1: 1 GiB/s, 2:")


def test_figures_of_more_threads_than_cpus_are_not_judged_their_outcome_is() -> None:
    bundle, local = Run(ENDS_AT_4), Run(ENDS_AT_4)
    judged = list(evaluate(bundle.points, local.points.with_at_most(2), local.points, 0.25))
    assert [j.verdict for j in judged if j.kind == "scaling"] == ["cannot be judged"]
    assert [j.local_value for j in judged if j.kind == "outcome"] == ["5 of 5 cells ok"]


# --- ratios ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("figures", "verdict"),
    [
        ([1.5, 1.52], "holds"),
        ([1.87, 1.89], "holds"),
        ([1.22, 1.24], "holds"),
        ([1.95, 1.96], "does not hold"),
        ([1.1, 1.11], "does not hold"),
        ([0.9, 1.1, 1.4], "cannot be judged"),
    ],
)
def test_a_ratio_may_deviate_by_a_quarter(figures: list[float], verdict: str) -> None:
    bundle, local = Run(THREE), Run(THREE | {("exchange", 1, 1): figures})
    judged = next(j for j in of("ratio", bundle, local) if j.claim.startswith("exchange"))
    assert judged.verdict == verdict, judged


def test_a_ratio_with_a_side_at_0_does_not_hold() -> None:
    for fallen in ("exchange", "serial"):  # the mode, and its baseline
        local = Run(THREE | {(fallen, 1, 1): [0.0, 0.0]})
        judged = next(j for j in of("ratio", Run(THREE), local) if j.claim.startswith("exchange"))
        assert judged.verdict == "does not hold"
        assert judged.reason == f"rate is 0 in every trial of {fallen}, threads=1"
    local = Run({key: [0.0] for key in THREE})
    assert {j.verdict for j in of("ratio", Run(THREE), local)} == {"does not hold"}


def test_claims_do_not_depend_on_the_unit_but_on_the_direction_and_on_what_is_counted() -> None:
    def local(metric: MetricInfo, factor: float) -> Run:
        figures = {key: [factor * value for value in values] for key, values in THREE.items()}
        return Run(figures, metric=metric, metrics=(metric,))

    converted = local(MetricInfo("rate", "MiB/s", "higher"), 1024)
    assert {j.verdict for j in evaluate(Run(THREE).points, converted.points, converted.points, 0.25)} == {
        "holds"
    }
    for metric, reason in (
        (MetricInfo("rate", "count", "higher"), "the unit is GiB/s in the bundle, count in the local run"),
        (
            MetricInfo("rate", "GiB/s", "lower"),
            "higher is better in the bundle, lower is better in the local run",
        ),
    ):
        found = [*of("ratio", Run(THREE), local(metric, 1)), *of("order", Run(THREE), local(metric, 1))]
        assert {(j.verdict, j.reason) for j in found} == {("cannot be judged", reason)}


def test_ratios_are_over_the_baseline_of_the_experiment_or_else_the_first_mode() -> None:
    assert [j.claim for j in of("ratio", Run(THREE), Run(THREE))] == [
        "exchange, threads=1 at pages=1 over serial",
        "copy, threads=1 at pages=1 over serial",
    ]
    run = Run(THREE, baseline={"mode": "copy"})
    assert [j.claim.split(",")[0] for j in of("ratio", run, run)] == ["serial", "exchange"]


def test_without_modes_a_ratio_names_the_levels_that_differ() -> None:
    figures = {("old", 1, 2): [4.0], ("new", 1, 2): [6.0], ("old", 1, 8): [1.0], ("new", 1, 8): [5.0]}
    run = Run(figures, mode="layout", baseline={"layout": "old"})
    found = [(one.claim, one.bundle_value) for one in of("ratio", run, run)]
    assert found == [
        ("layout=new over layout=old at pages=2", "1.500"),
        ("layout=new over layout=old at pages=8", "5.000"),
    ]


def test_cells_with_another_label_are_not_compared() -> None:
    local = Run(THREE, labels={"exchange": "by software"})
    judged = next(j for j in of("ratio", Run(THREE), local) if j.claim.startswith("exchange"))
    assert judged.verdict == "cannot be judged"


# --- outcomes ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "verdict"),
    [
        ("ok", "holds"),
        ("failed", "does not hold"),
        ("crashed", "does not hold"),
        ("timeout", "does not hold"),
        ("unsupported", "cannot be judged"),
        ("disturbed", "cannot be judged"),
        ("wrong_kernel", "cannot be judged"),
    ],
)
def test_what_worked_must_not_fail_in_the_local_run(status: str, verdict: str) -> None:
    local = Run({}, statuses={("serial", 1, 1): status})
    assert one("outcome", Run({("serial", 1, 1): [1.0]}), local).verdict == verdict


@pytest.mark.parametrize("more", ["disturbed", "skipped"])
def test_disturbed_and_skipped_trials_do_not_count(more: str) -> None:
    run = Run({("serial", 1, 1): [1.0]}, statuses={("serial", 1, 1): f"ok {more}"})
    assert one("outcome", run, run).claim.startswith("serial works")
    assert one("outcome", run, Run({("serial", 1, 1): [1.0]})).verdict == "holds"


def test_pages_that_are_not_on_their_target_break_the_claim() -> None:
    bundle, local = (
        Run({("serial", 1, 1): [1.0]}),
        Run({("serial", 1, 1): [1.0]}, wrong=frozenset({"serial"})),
    )
    judged = one("outcome", bundle, local)
    assert judged.verdict == "does not hold"
    assert judged.claim == "serial works, all pages on target, no byte wrong"
    assert one("outcome", local, bundle).claim == "serial works"


def test_support_that_the_bundle_did_not_have_cannot_be_judged() -> None:
    bundle = Run({}, statuses={("dma", 1, 1): "unsupported"})
    assert one("outcome", bundle, bundle).claim == "dma is not supported"
    assert one("outcome", bundle, Run({("dma", 1, 1): [1.0]})).verdict == "cannot be judged"


# --- environments ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("bundle", "local", "reason"),
    [
        ("vm-icount", "vm-icount", ""),
        ("metal", "vm-kvm", ""),
        ("cloud-metal", "metal", ""),
        (
            "metal",
            "vm-icount",
            "figures are times in the bundle (metal) and work in the local run (vm-icount)",
        ),
        (
            "vm-icount",
            "metal",
            "figures are work in the bundle (vm-icount) and times in the local run (metal)",
        ),
        ("metal", "vm-tcg", "durations in vm-tcg have no meaning"),
        ("vm-tcg", "vm-tcg", "durations in vm-tcg have no meaning"),
    ],
)
def test_figures_with_different_meanings_are_not_compared(bundle: str, local: str, reason: str) -> None:
    judged = list(
        evaluate(Run(THREE, bundle).points, Run(THREE, local).points, Run(THREE, local).points, 0.25)
    )
    figures = [j for j in judged if j.kind != "outcome"]
    assert len(figures) == 3
    assert {j.verdict for j in figures} == ({"cannot be judged"} if reason else {"holds"})
    assert {j.verdict for j in judged if j.kind == "outcome"} == {"holds"}
    assert all(bool(j.reason) == bool(reason) for j in figures)
    assert {j.reason for j in figures} == {reason}


def test_on_the_instruction_clock_threads_are_judged_by_the_model_alone() -> None:
    run = Run(ENDS_AT_4, "vm-icount", metric=MODEL)
    assert one("scaling", run, run).verdict == "holds"
    unmodelled = Run(ENDS_AT_4, "vm-icount", metrics=(RATE,))
    assert not of("scaling", unmodelled, unmodelled)


def test_claims_on_cells_that_were_not_run_cannot_be_judged() -> None:
    local = Run({("serial", 1, 1): [1.0, 1.01]})
    judged = list(evaluate(Run(THREE).points, local.points, local.points, 0.25))
    verdicts = {(j.kind, j.claim.split(" ")[0].strip(",")): j.verdict for j in judged}
    assert verdicts[("outcome", "serial")] == "holds"
    assert verdicts[("outcome", "copy")] == "cannot be judged"
    assert verdicts[("ratio", "copy")] == "cannot be judged"
