"""A comparison as data: everything that any of its formats (``report/comparison_formats``) shows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from orchestrator.analysis import intervals, significance
from orchestrator.analysis.comparison import Row, Rules, against, compare, judge
from orchestrator.analysis.enough import METHODS as METHODS_OF_ENOUGH
from orchestrator.analysis.multiple import CORRECTION
from orchestrator.analysis.samples import Sample, samples
from orchestrator.errors import BadInput, ExitCode
from orchestrator.experiment.factors import KERNEL
from orchestrator.experiment.model import Published
from orchestrator.nearest import did_you_mean
from orchestrator.report import caveats, enough, metrics, text
from orchestrator.report.enough import Remedy, Side
from orchestrator.report.machines import differences as machine_differences
from orchestrator.results.records import BlockRecord, MetricInfo
from orchestrator.results.runs import RunFolder
from orchestrator.results.store import RunRow, Store, open_for
from orchestrator.sample_size import min_sample_size
from orchestrator.units import conversion

PUBLISHED_ENVIRONMENT = "metal"
"""All datasets of results/reference were measured on real machines."""


class ComparisonReport(Struct, frozen=True):
    """Two sides and their rows.

    :ivar difference: how the experiments of two runs differ, and the machines of the two sides; empty if they do not.
    :ivar caveats: what makes the figures of a run doubtful, one sentence each, with the side.
    :ivar fail_on: the regression above which the comparison fails, 0.05 for 5 %; None: it never fails.
    :ivar metadata: names and words on the run of each side.
    :ivar remedies: what would be enough for the rows with too few boots, and for those that are too noisy.
    """

    base: str
    new: str
    rules: Rules
    rows: tuple[Row, ...]
    fail_on: float | None
    difference: str = ""
    remedies: tuple[Remedy, ...] = ()
    metadata: tuple[tuple[str, str], ...] = ()
    caveats: tuple[str, ...] = ()

    @property
    def methods(self) -> list[str]:
        """Statistical methods with their sources, one line each."""
        percent = f"{self.rules.confidence * 100:g} %"
        unit = f"Sampling unit: {self.rules.unit}."
        if self.rules.unit == "trial":
            unit += " Differences between boots count as differences between the two sides."
        tests = []
        if any(row.ratio is not None for row in self.rows):
            exact = any(row.base and row.base.exact for row in self.rows)
            tests.append(significance.SIGN_METHOD if exact else significance.METHODS[self.rules.unit])
        if any(row.p is not None and row.ratio is None for row in self.rows):
            tests.append(significance.RANK_METHOD)
        return [
            "ratio: of medians; above 1 the new side is better; rates are compared as time for the same work.",
            f"interval: {percent}, {intervals.METHODS[self.rules.unit]}; needs "
            f"{min_sample_size(self.rules.confidence)} {self.rules.unit}s per side.",
            f"p: {'; '.join(tests)}; adjusted for the number of tests, {self.tested} ({CORRECTION}); "
            "random numbers are seeded by the data."
            if self.tested
            else "p: no row could be tested.",
            unit,
            *(METHODS_OF_ENOUGH[remedy.verdict] for remedy in self.remedies),
        ]

    @property
    def tested(self) -> int:
        """Number of tests in the family."""
        return sum(row.p is not None for row in self.rows)

    @property
    def unjudged(self) -> list[Row]:
        """Rows with figures on both sides in which a regression of more than the limit would go unnoticed.

        Where the interval lies above the limit, none does, whatever the verdict on smaller differences is.
        """
        limit = self.fail_on
        if limit is None:
            return []
        undecided = (
            row
            for row in self.rows
            if not row.verdict.is_decided and row.base and row.base.n and row.new and row.new.n
        )
        return [row for row in undecided if row.interval is None or row.interval[0] < 1 - limit]

    @property
    def regressions(self) -> list[Row]:
        """Rows that fail the comparison: worse by more than the limit, or without any figure on the new side."""
        limit = self.fail_on
        if limit is None:
            return []
        return [row for row in self.rows if row.vanished or row.is_worse_by(limit)]

    def exit_code(self, allow_unjudged: bool) -> ExitCode:
        """Return ``REGRESSION`` if a row fails the comparison, else ``NOT_JUDGED`` if one might without being seen."""
        if self.regressions:
            return ExitCode.REGRESSION
        return ExitCode.NOT_JUDGED if self.unjudged and not allow_unjudged else ExitCode.OK


def two_runs(
    results: Path,
    base: RunFolder,
    new: RunFolder,
    metric_names: Sequence[str],
    rules: Rules,
    fail_on: float | None,
) -> ComparisonReport:
    """Compare the cells of two runs. The kernel distinguishes cells only if a run has several.

    Figures of the new run are converted to the baseline's unit. Raises ``BadInput`` for an unknown metric, for units
    that cannot be converted, if the runs disagree which direction is better, and if all environments differ.
    """
    with ExitStack() as stack:
        stores = [stack.enter_context(open_for(results, run)) for run in (base, new)]
        runs = [_opened(store, run) for store, run in zip(stores, (base, new), strict=True)]
        rows: list[Row] = []
        for metric, other in metrics.shared(runs, metric_names):
            base_cells = list(samples(stores[0], runs[0], metric))
            new_cells = list(samples(stores[1], runs[1], other))
            if other.unit != metric.unit:
                new_cells = [sample.convert(other.unit, metric.unit) for sample in new_cells]
            one_kernel = all(
                len({sample.factors.get(KERNEL) for sample in side}) < 2 for side in (base_cells, new_cells)
            )
            rows += compare(metric, base_cells, new_cells, (KERNEL,) if one_kernel else (), rules)
        machines = machine_differences(
            (f"{block.host} of run {run.id}", block)
            for store, run in zip(stores, runs, strict=True)
            for block in _comparable(store, run)
        )
        sides = [enough.side(*pair) for pair in zip((base, new), runs, strict=True)]
        doubtful = [caveats.of_stored(*pair) for pair in zip(stores, runs, strict=True)]
    compared = _judged(f"run {base.id}", f"run {new.id}", rows, rules, fail_on, sides)
    difference = " ".join(filter(None, (_difference(*runs), *_programs(*sides), machines)))
    named = zip(("baseline", "new side"), doubtful, strict=True)
    return replace(compared, difference=difference, caveats=tuple(caveats.by_name(named)))


def by_kernel(
    results: Path,
    run: RunFolder,
    baseline: str,
    metric_names: Sequence[str],
    rules: Rules,
    fail_on: float | None,
) -> ComparisonReport:
    """Compare every kernel of a run with one of them; ``baseline`` empty: with the first."""
    with open_for(results, run) as store:
        row = _opened(store, run)
        rows: list[Row] = []
        kernels: list[str] = []
        for metric in metrics.directed(row, metric_names):
            cells = list(samples(store, row, metric))
            kernels = kernels or list(dict.fromkeys(sample.factors.get(KERNEL, "") for sample in cells))
            if len(kernels) < 2:
                raise BadInput(
                    f"run {run.id} has one kernel, --by kernel needs two; name a second run to compare it with"
                )
            if baseline and baseline not in kernels:
                raise BadInput(
                    f"--baseline: kernel '{baseline}' not found in run {run.id}; {did_you_mean(baseline, kernels)}"
                )
            baseline = baseline or kernels[0]
            for kernel in kernels:
                if kernel != baseline:
                    rows += _kernel_rows(metric, cells, baseline, kernel, rules)
        machines = machine_differences((block.host, block) for block in _comparable(store, row))
        side = enough.side(run, row)
        doubtful = caveats.of_stored(store, row)
        same = _same_builds(store.blocks(row), baseline)
    others = ", ".join(kernel for kernel in kernels if kernel != baseline)
    title = f"run {run.id}, kernel {baseline}"
    compared = _judged(title, f"kernel {others}", rows, rules, fail_on, (side, side))
    difference = " ".join(filter(None, (same, machines)))
    return replace(compared, difference=difference, caveats=tuple(doubtful))


def with_published(results: Path, run: RunFolder, rules: Rules, fail_on: float | None) -> ComparisonReport:
    """Compare the cells of a run with the published figures in its first record.

    Raises ``BadInput`` if the experiment names none, if their unit is not that of the metric that the experiment
    compares, and if the run has no trial in their environment.
    """
    with open_for(results, run) as store:
        row = _opened(store, run)
        compared = row.opening.compare if row.opening else None
        if compared is None or compared.published is None:
            raise BadInput(
                f"run {run.id} has no published figures; set `compare: published:` in its experiment"
            )
        published = compared.published
        (metric,) = metrics.directed(row, [compared.metric])
        unit = published.bare_unit
        if conversion(unit, metric.unit) is None:
            raise BadInput(
                f"metric {metric.name}: the unit is {published.unit} in {published.dataset}, "
                f"{metric.unit} in run {run.id}; compare a metric in a unit of {published.dataset}"
            )
        pairs = [(_published(published, sample, metric), sample) for sample in samples(store, row, metric)]
        side = enough.side(run, row)
        doubtful = caveats.of_stored(store, row)
    rows = against(metric, pairs, rules)
    base = f"{published.dataset} ({published.source}), {published.machine}, kernel {published.kernel}"
    judged = _judged(base, f"run {run.id}", rows, rules, fail_on, (None, side))
    return replace(judged, caveats=tuple(caveats.by_name([("new side", doubtful)])))


def _comparable(store: Store, row: RunRow) -> Iterator[BlockRecord]:
    """Yield the boots of a run whose machines should be alike: in a fleet that replicates cells, none."""
    if row.opening is None or row.opening.fleet != "replicate":
        yield from store.blocks(row)


def _difference(base: RunRow, new: RunRow) -> str:
    """Return how the experiments of two runs differ, or that the runs do not, in one line; empty if all is well."""
    assert base.opening is not None
    assert new.opening is not None
    if base.opening.run == new.opening.run:
        return f"Both sides are run {base.opening.run}."
    if base.opening.experiment != new.opening.experiment:
        return f"Different experiments: {base.opening.experiment} and {new.opening.experiment}."
    if base.opening.content_hash != new.opening.content_hash:
        hashes = " and ".join(run.opening.content_hash[:12] for run in (base, new) if run.opening)
        return f"The experiment was changed between the runs: content hashes {hashes}."
    return ""


def _programs(base: enough.Side, new: enough.Side) -> Iterator[str]:
    """Yield a sentence for each program that both runs measured and that has another hash in the new one."""
    hashes, others = (side.provenance.program_hashes if side.provenance else {} for side in (base, new))
    for name in hashes:
        if others.get(name, hashes[name]) != hashes[name]:
            yield text.plain(
                f"The program {name} differs: SHA-256 {hashes[name][:12]} and {others[name][:12]}."
            )


def _same_builds(blocks: Iterable[BlockRecord], baseline: str) -> str:
    """Return in one line which kernels were built from the same recipe as the baseline; empty if none was."""
    hashes = {block.kernel: block.kernel_hash for block in blocks if block.kernel_hash}
    same = [name for name, found in hashes.items() if name != baseline and found == hashes.get(baseline)]
    return " ".join(
        f"Kernels {baseline} and {name} are the same build, {hashes[name][:12]}." for name in same
    )


def _published(published: Published, sample: Sample, metric: MetricInfo) -> Sample | None:
    """Return the published figure of a cell as a sample in the metric's unit; None if there is none."""
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
    ).convert(published.bare_unit, metric.unit)


def _kernel_rows(
    metric: MetricInfo, cells: Sequence[Sample], baseline: str, kernel: str, rules: Rules
) -> list[Row]:
    of_baseline, of_kernel = (
        [sample for sample in cells if sample.factors.get(KERNEL) == name] for name in (baseline, kernel)
    )
    return compare(metric, of_baseline, of_kernel, (KERNEL,), rules)


def _judged(
    base: str,
    new: str,
    rows: Sequence[Row],
    rules: Rules,
    fail_on: float | None,
    runs: Sequence[Side | None],
) -> ComparisonReport:
    sides = [
        {sample.environment for sample in side if sample is not None}
        for side in ((row.base for row in rows), (row.new for row in rows))
    ]
    if all(sides) and not sides[0] & sides[1] and not rules.mix:
        names = " and ".join(", ".join(sorted(side)) for side in sides)
        raise BadInput(
            f"environments differ: {names}; compare runs of one environment, "
            "or use --force-mixed-environments, which labels every row"
        )
    judged = judge(rows, rules)
    remedies = tuple(enough.remedies(judged, rules, runs))
    metadata = tuple(_metadata(runs))
    return ComparisonReport(base, new, rules, tuple(judged), fail_on, remedies=remedies, metadata=metadata)


def _metadata(sides: Sequence[Side | None]) -> Iterator[tuple[str, str]]:
    """Yield names and words on the run of each side, once where both are one run; published figures have none."""
    runs = list(dict.fromkeys(side.opening.run for side in sides if side))
    for side, name in zip(sides, ("Baseline", "New side"), strict=True):
        if side is None or side.opening.run not in runs:
            continue
        runs.remove(side.opening.run)
        opening = side.opening
        yield f"{name}: run", opening.run
        yield f"{name}: experiment", f"{opening.experiment}, content hash {opening.content_hash[:12]}"
        yield f"{name}: started", opening.time
        yield f"{name}: orchestrator", opening.version
        for kernel, properties in (side.provenance.kernels if side.provenance else {}).items():
            yield f"{name}: kernel {kernel}", str(properties.get("release", "not known"))


def _opened(store: Store, run: RunFolder) -> RunRow:
    row = store.run(run)
    if row.opening is None:
        raise BadInput(
            f"{run.journal}: the journal is empty; start the run with `orchestrate run EXPERIMENT.yaml`"
        )
    if not store.statuses(row):
        raise BadInput(
            f"run {run.id} has no figures: no trial has ended; repeat its `orchestrate run` command to resume"
        )
    return row
