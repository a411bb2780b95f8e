"""A report as data: everything that any format shows of a run."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property, partial
from pathlib import Path

from msgspec import Struct

from orchestrator.analysis.diagnostics import Finding, diagnose
from orchestrator.analysis.modelled import Metrics, metrics_of
from orchestrator.analysis.phases import Phases, phases_of
from orchestrator.analysis.precision import is_precise
from orchestrator.analysis.samples import boots_of
from orchestrator.analysis.speedup import Speedup, speedups
from orchestrator.analysis.summary import CellSummary, plan_order, summarise
from orchestrator.environments import describe
from orchestrator.errors import BadInput
from orchestrator.experiment.model import Status
from orchestrator.report import metrics
from orchestrator.results import manifest
from orchestrator.results.manifest import Manifest
from orchestrator.results.records import BlockRecord, MetricInfo, RunRecord
from orchestrator.results.runs import RunFolder
from orchestrator.results.store import Reason, RunRow, Store, TrialRow, open_for

_SHOWN = 2
"""Metrics in a table where none are asked for."""


class Report(Struct, frozen=True, dict=True):  # what is found out once is kept
    """One run, summarised.

    Valid while the store it was made from is open, see :func:`open_report`.

    :ivar opening: the run's first record: ids, hashes, factors, metrics, what is compared.
    :ivar shown: the metrics that tables show, the headline first; data formats hold all.
    :ivar factors: names of all factors in the order of the plan, ``kernel`` first where it is not swept.
    :ivar cells: in the order of the plan, one entry per environment.
    :ivar speedups: one for each of the cells; empty if the experiment compares nothing.
    :ivar precise: for each of the cells whether its headline is as precise as the stop rule asks; empty without one.
    :ivar phases: one for each of the cells that has any; empty if the benchmark has no breakdown.
    :ivar statuses: number of final records by status.
    :ivar not_allowed: number of trials that are not ok and not allowed to be so by the experiment.
    :ivar environments: the meaning of the figures of each environment of the run.
    :ivar labels: the meaning of each label of figures, according to the benchmark.
    :ivar kernels: release by the experiment's name for the kernel, as far as known.
    :ivar kernel_hashes: hash of each kernel that was built from a recipe, also by the experiment's name.
    :ivar provenance: the run's manifest, None if it has none.
    :ivar blocks: the boots, in order of time.
    :ivar settings: what each cell set, by cell id: path to value as read back.
    :ivar requests: the benchmark's options, by cell id.
    :ivar read_trials: yields every record of a trial in the order of the journal, repeated attempts too, with the
        values of the metrics it is called with. One record at a time, as a run may have millions.
    :ivar reasons: why trials are not ok; ``attempts``: why attempts were repeated.
    :ivar missing: why a metric has no figure, by its name, according to the first trial without it.
    :ivar findings: anomalies in the values of the headline, cell by cell.
    :ivar damage: lines of the journal that are damaged and left out, each with file, line and fault.
    :ivar log_x: whether the chart by a swept amount has a logarithmic axis along x.
    """

    opening: RunRecord
    complete: bool
    ended: str
    shown: tuple[MetricInfo, ...]
    factors: tuple[str, ...]
    cells: tuple[CellSummary, ...]
    speedups: tuple[Speedup, ...]
    precise: tuple[bool, ...]
    phases: tuple[tuple[CellSummary, Phases], ...]
    statuses: Mapping[str, int]
    not_allowed: int
    environments: Mapping[str, str]
    labels: Mapping[str, str]
    kernels: Mapping[str, str]
    kernel_hashes: Mapping[str, str]
    reasons: tuple[Reason, ...]
    attempts: tuple[Reason, ...]
    missing: Mapping[str, str]
    findings: tuple[Finding, ...]
    provenance: Manifest | None
    blocks: tuple[BlockRecord, ...]
    settings: Mapping[str, Mapping[str, str]]
    requests: Mapping[str, Mapping[str, str]]
    read_trials: Callable[[Sequence[str]], Iterator[TrialRow]]
    damage: tuple[str, ...] = ()
    log_x: bool = False

    @property
    def boots(self) -> tuple[int, ...]:
        """Numbers of boots per row: each number that occurs, in rising order."""
        return tuple(sorted({max(e.boots for e in cell.estimates) for cell in self.cells if cell.estimates}))

    @property
    def trial_count(self) -> int:
        """Number of trials with a final record."""
        return sum(self.statuses.values())

    @property
    def unneeded(self) -> int:
        """Number of trials that the stop rule saved."""
        return self.statuses.get(Status.SKIPPED, 0)

    def varying(self) -> tuple[str, ...]:
        """Names of the factors that differ between rows; if there is only one row, of all factors in the file."""
        return self._varying

    def following(self) -> Mapping[str, str]:
        """Factors that equal an earlier one in every row, such as a sysctl zipped with an argument, and that one."""
        return self._following

    def constant(self) -> dict[str, str]:
        """Factors that are the same in every row, with their level."""
        shown = {*self.varying(), *self.following()}
        first = self.cells[0].factors if self.cells else {}
        return {name: first[name] for name in self.factors if name in first and name not in shown}

    @cached_property
    def _varying(self) -> tuple[str, ...]:
        several = tuple(name for name in self._several if name not in self._following)
        return several or tuple(factor.name for factor in self.opening.factors)

    @cached_property
    def _following(self) -> Mapping[str, str]:
        earlier_of: dict[str, str] = {}
        first: dict[tuple[str | None, ...], str] = {}
        for name in self._several:
            earlier = first.setdefault(tuple(cell.factors.get(name) for cell in self.cells), name)
            if earlier != name:
                earlier_of[name] = earlier
        return earlier_of

    @cached_property
    def _several(self) -> tuple[str, ...]:
        return tuple(name for name in self.factors if len({c.factors.get(name) for c in self.cells}) > 1)


@contextmanager
def open_report(results: Path, run: RunFolder, shown: Sequence[str] = ()) -> Iterator[Report]:
    """Summarise a run for a report that shows the metrics named in ``shown``; the store stays open inside ``with``.

    Default metrics: the headline, then the metric that is compared or else the next one in the file.

    Raises ``BadInput`` if the journal is damaged or empty, or if a metric is not one of the experiment's.
    """
    with open_for(results, run) as store:
        yield _report(store, run, shown)


def _report(store: Store, run: RunFolder, shown: Sequence[str]) -> Report:
    row = store.run(run)
    opening = row.opening
    if opening is None:
        raise BadInput(
            f"{run.journal}: the journal is empty; start the run with `orchestrate run EXPERIMENT.yaml`"
        )
    cells = tuple(summarise(store, row))
    metrics_known = metrics_of(store, row)
    breakdown = opening.breakdown
    provenance = manifest.load(run.path) if run.manifest.is_file() else None
    is_selection = row.complete and provenance is not None and bool(provenance.where or provenance.limit)
    compared = tuple(_speedups(store, row, cells, metrics_known, is_selection))
    cell_rows = list(store.cells(row))
    phases = [(cell, phases_of(cell, breakdown, metrics_known)) for cell in cells] if breakdown else []
    return Report(
        opening=opening,
        complete=row.complete,
        ended=row.ended,
        shown=_choose(opening, shown, [speedup.metric for speedup in compared]),
        factors=_factor_names(opening, cells),
        cells=cells,
        speedups=compared,
        precise=tuple(_precise(store, row, cells)),
        phases=tuple((cell, breakdown_of) for cell, breakdown_of in phases if breakdown_of),
        statuses=store.statuses(row),
        not_allowed=store.not_allowed(row),
        environments={name: describe(name) for name in store.environments(row)},
        labels=store.labels(row),
        kernels=_of_kernels(provenance, "release"),
        kernel_hashes=_of_kernels(provenance, "hash"),
        provenance=provenance,
        reasons=tuple(store.reasons(row)),
        attempts=tuple(store.reasons(row, final=False)),
        missing=store.missing(row),
        findings=tuple(_findings(store, row)),
        blocks=tuple(store.blocks(row)),
        settings={cell.id: cell.settings for cell in cell_rows if cell.settings},
        requests={cell.id: cell.request for cell in cell_rows if cell.request},
        read_trials=partial(store.trials, row),
        damage=row.damage,
    )


def _findings(store: Store, row: RunRow) -> list[Finding]:
    assert row.opening is not None
    headline = next((m for m in row.opening.metrics if m.name == row.opening.headline), None)
    cells = sorted(store.cells(row), key=plan_order(row.opening.factors))
    return diagnose(store, headline, cells) if headline else []


def _speedups(
    store: Store, row: RunRow, cells: Sequence[CellSummary], known: Metrics, is_selection: bool
) -> Iterator[Speedup]:
    if row.opening is None or row.opening.compare is None:
        return
    values = partial(boots_of, store, row)
    yield from speedups(cells, row.opening.compare, row.opening.factors, known, values, is_selection)


def _precise(store: Store, row: RunRow, cells: Sequence[CellSummary]) -> Iterator[bool]:
    opening = row.opening
    until = opening.repetitions.until if opening and opening.repetitions else None
    headline = next((m for m in opening.metrics if m.name == opening.headline), None) if opening else None
    if until is None or headline is None:
        return
    for cell in cells:
        yield is_precise(boots_of(store, row, cell, headline), headline.unit, until)


def _of_kernels(provenance: Manifest | None, key: str) -> dict[str, str]:
    """Return one property of each kernel that has it, by the experiment's name for the kernel."""
    kernels = provenance.kernels if provenance else {}
    return {name: properties[key] for name, properties in kernels.items() if properties.get(key)}


def _choose(opening: RunRecord, names: Sequence[str], compared: Sequence[str]) -> tuple[MetricInfo, ...]:
    known = [metric.name for metric in opening.metrics]
    first = [name for name in (opening.headline, *compared) if name in known]
    return tuple(metrics.find(opening, names or list(dict.fromkeys([*first, *known]))[:_SHOWN]))


def _factor_names(opening: RunRecord, cells: Sequence[CellSummary]) -> tuple[str, ...]:
    named = [factor.name for factor in opening.factors]
    other = dict.fromkeys(name for cell in cells for name in cell.factors if name not in named)
    return (*other, *named)
