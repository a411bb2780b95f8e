"""A report as data: everything that any form shows of a run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path

from orchestrator.analysis.diagnostics import Finding, diagnose
from orchestrator.analysis.modelled import Metrics, metrics_of
from orchestrator.analysis.phases import Phases, phases_of
from orchestrator.analysis.precision import is_known
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
from orchestrator.results.store import Reason, RunRow, Store, open_for

_SHOWN = 2
"""Metrics in a table where none are asked for."""


@dataclass(frozen=True)  # no slots: what is found out once is kept
class Report:
    """One run, summarised.

    :ivar opening: the run's first record: ids, hashes, factors, metrics, what is compared.
    :ivar shown: the metrics that tables show, the headline first; data forms hold all.
    :ivar factors: names of all factors in the order of the plan, ``kernel`` first where it is not swept.
    :ivar cells: in the order of the plan, one entry per environment.
    :ivar speedups: of each of the cells; empty where the experiment compares nothing.
    :ivar known: of each of the cells whether its headline is known as well as the experiment's stop rule asks; empty
        where it has none.
    :ivar phases: of each of the cells that has any; empty where the benchmark has no breakdown.
    :ivar statuses: number of final records by status.
    :ivar not_allowed: those that are neither ok nor allowed by the experiment not to be.
    :ivar environments: to each environment of the run what its numbers mean.
    :ivar labels: what labels of figures mean, as the benchmark says it.
    :ivar kernels: release of what ran under each of the experiment's kernel names, as far as it is known;
        ``kernel_hashes``: names of those that were built from a recipe, also by the experiment's names.
    :ivar provenance: the run's manifest, where it has one.
    :ivar blocks: the boots, in order of time.
    :ivar settings: what the cells set, by cell, path to value as read back; ``requests``: the benchmark's options.
    :ivar results: folder of the run's ``folder``, for forms that show single trials.
    :ivar reasons: why trials are not ok; ``attempts``: why attempts were repeated.
    :ivar findings: what is odd about the values of the headline, cell by cell.
    """

    opening: RunRecord
    complete: bool
    ended: str
    shown: tuple[MetricInfo, ...]
    factors: tuple[str, ...]
    cells: tuple[CellSummary, ...]
    speedups: tuple[Speedup, ...]
    known: tuple[bool, ...]
    phases: tuple[tuple[CellSummary, Phases], ...]
    statuses: Mapping[str, int]
    not_allowed: int
    environments: Mapping[str, str]
    labels: Mapping[str, str]
    kernels: Mapping[str, str]
    kernel_hashes: Mapping[str, str]
    reasons: tuple[Reason, ...]
    attempts: tuple[Reason, ...]
    findings: tuple[Finding, ...]
    provenance: Manifest | None
    blocks: tuple[BlockRecord, ...]
    settings: Mapping[str, Mapping[str, str]]
    requests: Mapping[str, Mapping[str, str]]
    results: Path
    folder: RunFolder

    @property
    def boots(self) -> tuple[int, ...]:
        """In how many boots the figures of a row were made: each number that occurs, rising."""
        return tuple(sorted({max(e.boots for e in cell.estimates) for cell in self.cells if cell.estimates}))

    @property
    def trials(self) -> int:
        """Number of trials that have their final record."""
        return sum(self.statuses.values())

    @property
    def unneeded(self) -> int:
        """Number of trials that did not run, as their cell was known well enough."""
        return self.statuses.get(Status.SKIPPED, 0)

    def varying(self) -> tuple[str, ...]:
        """Names of the factors that tell the rows apart; where there is only one row, of those the file names."""
        return self._varying

    def following(self) -> Mapping[str, str]:
        """Factors that are in every row what an earlier one is, and that one: a sysctl zipped with an argument."""
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
        found: dict[str, str] = {}
        first: dict[tuple[str | None, ...], str] = {}
        for name in self._several:
            earlier = first.setdefault(tuple(cell.factors.get(name) for cell in self.cells), name)
            if earlier != name:
                found[name] = earlier
        return found

    @cached_property
    def _several(self) -> tuple[str, ...]:
        return tuple(name for name in self.factors if len({c.factors.get(name) for c in self.cells}) > 1)


def build(results: Path, run: RunFolder, shown: Sequence[str] = ()) -> Report:
    """Summarise a run for a report that shows the metrics of these names.

    None named: the headline, and what is compared or else the next metric in the file.

    Raises ``BadInput`` where the journal is damaged, holds no run, or a metric is not one of the experiment's.
    """
    with open_for(results, run) as store:
        row = store.run(run)
        if row.opening is None:
            raise BadInput(
                f"{run.journal}: no run has begun in it; `orchestrate run` with the experiment does"
            )
        opening = row.opening
        cells = tuple(summarise(store, row))
        known = metrics_of(store, row)
        breakdown = opening.breakdown
        compared = tuple(_speedups(store, row, cells, known))
        described = list(store.cells(row))
        provenance = manifest.load(run.path) if run.manifest.is_file() else None
        phases = [(cell, phases_of(cell, breakdown, known)) for cell in cells] if breakdown else []
        return Report(
            opening=opening,
            complete=row.complete,
            ended=row.ended,
            shown=_choose(opening, shown, [speedup.metric for speedup in compared]),
            factors=_factor_names(opening, cells),
            cells=cells,
            speedups=compared,
            known=tuple(_known(store, row, cells)),
            phases=tuple((cell, found) for cell, found in phases if found),
            statuses=store.statuses(row),
            not_allowed=store.not_allowed(row),
            environments={name: describe(name) for name in store.environments(row)},
            labels=store.labels(row),
            kernels=_told_of_kernels(provenance, "release"),
            kernel_hashes=_told_of_kernels(provenance, "hash"),
            provenance=provenance,
            reasons=tuple(store.reasons(row)),
            attempts=tuple(store.reasons(row, final=False)),
            findings=tuple(_findings(store, row)),
            blocks=tuple(store.blocks(row)),
            settings={cell.id: cell.settings for cell in described if cell.settings},
            requests={cell.id: cell.request for cell in described if cell.request},
            results=results,
            folder=run,
        )


def _findings(store: Store, row: RunRow) -> list[Finding]:
    assert row.opening is not None
    headline = next((m for m in row.opening.metrics if m.name == row.opening.headline), None)
    cells = sorted(store.cells(row), key=plan_order(row.opening.factors))
    return diagnose(store, headline, cells) if headline else []


def _speedups(store: Store, row: RunRow, cells: Sequence[CellSummary], known: Metrics) -> Iterator[Speedup]:
    if row.opening is None or row.opening.compare is None:
        return
    values = partial(boots_of, store, row)
    yield from speedups(cells, row.opening.compare, row.opening.factors, known, values)


def _known(store: Store, row: RunRow, cells: Sequence[CellSummary]) -> Iterator[bool]:
    opening = row.opening
    until = opening.repetitions.until if opening and opening.repetitions else None
    headline = next((m for m in opening.metrics if m.name == opening.headline), None) if opening else None
    if until is None or headline is None:
        return
    for cell in cells:
        yield is_known(boots_of(store, row, cell, headline), headline.unit, until)


def _told_of_kernels(provenance: Manifest | None, key: str) -> dict[str, str]:
    kernels = provenance.kernels if provenance else {}
    return {name: told[key] for name, told in kernels.items() if told.get(key)}


def _choose(opening: RunRecord, names: Sequence[str], compared: Sequence[str]) -> tuple[MetricInfo, ...]:
    known = [metric.name for metric in opening.metrics]
    first = [name for name in (opening.headline, *compared) if name in known]
    return tuple(metrics.find(opening, names or list(dict.fromkeys([*first, *known]))[:_SHOWN]))


def _factor_names(opening: RunRecord, cells: Sequence[CellSummary]) -> tuple[str, ...]:
    named = [factor.name for factor in opening.factors]
    other = dict.fromkeys(name for cell in cells for name in cell.factors if name not in named)
    return (*other, *named)
