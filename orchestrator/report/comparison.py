"""A comparison as data: everything that any of its formats (``report/comparison_formats``) shows."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from orchestrator.analysis import intervals, significance
from orchestrator.analysis.comparison import Row, Rules, against, compare, judge
from orchestrator.analysis.multiple import CORRECTION
from orchestrator.analysis.samples import Sample, samples
from orchestrator.analysis.verdicts import Verdict
from orchestrator.errors import BadInput, ExitCode
from orchestrator.experiment.factors import KERNEL
from orchestrator.experiment.model import Published
from orchestrator.nearest import did_you_mean
from orchestrator.report import comparison_formats, metrics
from orchestrator.results.records import MetricInfo
from orchestrator.results.runs import RunFolder
from orchestrator.results.store import RunRow, Store, open_for
from orchestrator.sample_size import min_sample_size

PUBLISHED_ENVIRONMENT = "metal"
"""All datasets of results/reference were measured on real machines."""


@dataclass(frozen=True, slots=True)
class ComparisonReport:
    """Two sides and their rows.

    :ivar fail_on: a regression that fails the comparison, 0.05 for 5 %; None: none does.
    """

    base: str
    new: str
    rules: Rules
    rows: tuple[Row, ...]
    fail_on: float | None

    @property
    def methods(self) -> list[str]:
        """What was done, with its sources, one line each."""
        percent = f"{self.rules.confidence * 100:g} %"
        unit = f"Sampling unit: {self.rules.unit}."
        if self.rules.unit == "trial":
            unit += " What differs between boots passes for a difference of the two sides."
        test = significance.METHODS[self.rules.unit]
        if any(row.base and row.base.exact for row in self.rows):
            test = significance.SIGN_METHOD
        return [
            "ratio: of medians, more than 1 is better; rates as time for the same work.",
            f"interval: {percent}, {intervals.METHODS[self.rules.unit]}; from "
            f"{min_sample_size(self.rules.confidence)} {self.rules.unit}s a side on.",
            f"p: {test}, adjusted for the number of tests, {self.tested} ({CORRECTION}); "
            "random numbers are seeded by the data."
            if self.tested
            else "p: no row could be tested.",
            unit,
        ]

    @property
    def tested(self) -> int:
        """Number of tests in the family."""
        return sum(row.p is not None for row in self.rows)

    @property
    def unjudged(self) -> list[Row]:
        """Rows in which a regression would not be seen."""
        return [row for row in self.rows if not row.verdict.is_decided and not row.vanished]

    @property
    def regressions(self) -> list[Row]:
        """Rows that fail the comparison: slower, and by more than is let pass, or without any figure left."""
        limit = self.fail_on
        if limit is None:
            return []
        return [
            row
            for row in self.rows
            if row.vanished
            or (row.verdict is Verdict.SLOWER and row.ratio is not None and row.ratio < 1 - limit)
        ]

    @property
    def exit_code(self) -> ExitCode:
        """``REGRESSION`` if a row fails the comparison."""
        return ExitCode.REGRESSION if self.regressions else ExitCode.OK


def render(compared: ComparisonReport, form: str) -> str:
    """Return the comparison in a form, one of :func:`names`, ending in a newline."""
    text: str = importlib.import_module(f"{comparison_formats.__name__}.{form}").render(compared)
    return text


def two_runs(
    results: Path,
    base: RunFolder,
    new: RunFolder,
    wanted: Sequence[str],
    rules: Rules,
    fail_on: float | None,
) -> ComparisonReport:
    """Compare the cells of two runs. The kernel tells cells apart only where a run has several.

    Raises ``BadInput`` for an unknown metric, and where no cell can be compared as the environments differ.
    """
    with ExitStack() as stack:
        stores = [stack.enter_context(open_for(results, run)) for run in (base, new)]
        runs = [_opened(store, run) for store, run in zip(stores, (base, new), strict=True)]
        rows: list[Row] = []
        for metric in _metrics(runs[0], wanted):
            base_cells, new_cells = (
                list(samples(store, run, metric)) for store, run in zip(stores, runs, strict=True)
            )
            alone = all(
                len({sample.factors.get(KERNEL) for sample in side}) < 2 for side in (base_cells, new_cells)
            )
            rows += compare(metric, base_cells, new_cells, (KERNEL,) if alone else (), rules)
    return _judged(f"run {base.id}", f"run {new.id}", rows, rules, fail_on)


def by_kernel(
    results: Path, run: RunFolder, baseline: str, wanted: Sequence[str], rules: Rules, fail_on: float | None
) -> ComparisonReport:
    """Compare every kernel of a run with one of them; ``baseline`` empty: with the first."""
    with open_for(results, run) as store:
        row = _opened(store, run)
        rows: list[Row] = []
        kernels: list[str] = []
        for metric in _metrics(row, wanted):
            found = list(samples(store, row, metric))
            kernels = kernels or list(dict.fromkeys(sample.factors.get(KERNEL, "") for sample in found))
            if len(kernels) < 2:
                raise BadInput(f"run {run.id} has one kernel; --by kernel needs two or more")
            if baseline and baseline not in kernels:
                raise BadInput(f"--baseline {baseline}: {did_you_mean(baseline, kernels)}")
            baseline = baseline or kernels[0]
            for kernel in kernels:
                if kernel != baseline:
                    rows += _kernel_rows(metric, found, baseline, kernel, rules)
    others = ", ".join(kernel for kernel in kernels if kernel != baseline)
    return _judged(f"run {run.id}, kernel {baseline}", f"kernel {others}", rows, rules, fail_on)


def with_published(results: Path, run: RunFolder, rules: Rules, fail_on: float | None) -> ComparisonReport:
    """Compare the cells of a run with the published figures that travel in its first record.

    Raises ``BadInput`` where the experiment names none, where they are of another unit than the metric that the
    experiment compares, and where the run was made in no environment of theirs.
    """
    with open_for(results, run) as store:
        row = _opened(store, run)
        compared = row.opening.compare if row.opening else None
        if compared is None or compared.published is None:
            raise BadInput(
                f"run {run.id} names no published figures; `compare: published:` of its experiment does"
            )
        published = compared.published
        (metric,) = _metrics(row, [compared.metric])
        if published.unit.split()[0] != metric.unit:
            raise BadInput(f"{published.dataset} is in {published.unit}, {metric.name} in {metric.unit}")
        pairs = [(_published(published, sample), sample) for sample in samples(store, row, metric)]
    rows = against(metric, pairs, rules)
    base = f"{published.dataset} ({published.source}), {published.machine}, kernel {published.kernel}"
    return _judged(base, f"run {run.id}", rows, rules, fail_on)


def _published(published: Published, sample: Sample) -> Sample | None:
    """Return the published figure of a cell as the other side of a comparison; None if there is none."""
    figure = published.figure(sample.factors)
    if figure is None:
        return None
    return Sample(
        cell=published.dataset,
        factors=sample.factors,
        environment=PUBLISHED_ENVIRONMENT,
        label="",
        boots=((figure.value,),),
        excluded=(),
        exact=True,
    )


def _kernel_rows(
    metric: MetricInfo, found: Sequence[Sample], baseline: str, kernel: str, rules: Rules
) -> list[Row]:
    of_baseline, of_kernel = (
        [sample for sample in found if sample.factors.get(KERNEL) == name] for name in (baseline, kernel)
    )
    return compare(metric, of_baseline, of_kernel, (KERNEL,), rules)


def _judged(
    base: str, new: str, rows: Sequence[Row], rules: Rules, fail_on: float | None
) -> ComparisonReport:
    sides = [
        {sample.environment for sample in side if sample is not None}
        for side in ((row.base for row in rows), (row.new for row in rows))
    ]
    if all(sides) and not sides[0] & sides[1] and not rules.mix:
        told = " against ".join(", ".join(sorted(side)) for side in sides)
        raise BadInput(
            f"environments are never mixed: {told}; --force-mixed-environments compares them and labels it"
        )
    return ComparisonReport(base, new, rules, tuple(judge(rows, rules)), fail_on)


def _opened(store: Store, run: RunFolder) -> RunRow:
    row = store.run(run)
    if row.opening is None:
        raise BadInput(f"{run.journal}: no run has begun in it; `orchestrate run` with the experiment does")
    if not store.statuses(row):
        raise BadInput(f"run {run.id} has no figures: none of its trials has ended")
    return row


def _metrics(run: RunRow, wanted: Sequence[str]) -> list[MetricInfo]:
    assert run.opening is not None
    found = metrics.find(run.opening, wanted or [run.opening.headline])
    for metric in found:
        if metric.better == "neither":
            raise BadInput(
                f"--metric {metric.name}: neither more nor less of it is better, so there is no verdict"
            )
    return found
