"""The values behind a figure, kept by the boot they were made in; what has no value is kept too, with its reason."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from orchestrator.analysis.summary import CellSummary, by_boot, plan_order
from orchestrator.analysis.values import Units
from orchestrator.results.records import MetricInfo
from orchestrator.results.store import RunRow, Store


@dataclass(frozen=True, slots=True)
class Excluded:
    """A trial of a cell that does not enter its figures, and why."""

    trial: str
    status: str
    reason: str


@dataclass(frozen=True, slots=True)
class Sample:
    """One metric of one cell in one environment.

    :ivar boots: values of the ok trials, in the metric's unit, by boot.
    :ivar excluded: trials that are not ok, or are without this metric; those that were not needed are none of them.
    :ivar hosts: where the trials were made.
    :ivar exact: the one value is a number without spread, such as a published one.
    """

    cell: str
    factors: Mapping[str, str]
    environment: str
    label: str
    boots: Units
    excluded: tuple[Excluded, ...]
    hosts: tuple[str, ...] = ()
    exact: bool = False

    @property
    def n(self) -> int:
        """Number of trials that have a value."""
        return sum(map(len, self.boots))


def boots_of(store: Store, run: RunRow, cell: CellSummary, metric: MetricInfo) -> Units:
    """Return the values of a metric of a cell in its environment, by boot."""
    rows = store.database.execute(
        "SELECT boot, value FROM cells JOIN trials ON cell = cells.key JOIN metrics ON trial = trials.key"
        " WHERE cells.run = ? AND cells.id = ? AND environment = ? AND status = 'ok' AND final"
        " AND name = ? AND unit = ? ORDER BY trials.key",
        (run.key, cell.cell, cell.environment, metric.name, metric.unit),
    )
    return by_boot(rows)


def samples(store: Store, run: RunRow, metric: MetricInfo) -> Iterator[Sample]:
    """Yield each cell of a run in the order of its plan, environments apart. Holds one cell at a time."""
    factors = run.opening.factors if run.opening else ()
    for cell in sorted(store.cells(run), key=plan_order(factors)):
        rows = store.database.execute(
            "SELECT environment, host, boot, id, status, reason, label, value FROM trials"
            " LEFT JOIN metrics ON trial = trials.key AND name = ? AND unit = ?"
            " WHERE cell = ? AND final AND NOT (status = 'skipped' AND allowed)"
            " ORDER BY environment, trials.key",
            (metric.name, metric.unit, cell.key),
        ).fetchall()
        for environment in dict.fromkeys(row[0] for row in rows):
            boots: dict[str, list[float]] = {}
            labels: dict[str, None] = {}
            excluded = []
            hosts: dict[str, None] = {}
            here = (row[1:] for row in rows if row[0] == environment)
            for host, boot, trial, status, reason, label, value in here:
                hosts[host] = None
                if status == "ok" and value is not None:
                    boots.setdefault(boot, []).append(value)
                    labels[label] = None
                else:
                    excluded.append(
                        Excluded(trial, status, reason if status != "ok" else f"no {metric.name}")
                    )
            yield Sample(
                cell=cell.id,
                factors=cell.factors,
                environment=environment,
                label=", ".join(label for label in labels if label),
                boots=tuple(map(tuple, boots.values())),
                excluded=tuple(excluded),
                hosts=tuple(hosts),
            )
