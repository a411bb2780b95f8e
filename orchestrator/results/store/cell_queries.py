"""Questions about one cell: its outcomes, its values, what was verified."""

from __future__ import annotations

import itertools
import json
import math
import sqlite3
from array import array
from collections.abc import Iterable, Iterator
from operator import itemgetter
from typing import Any

from orchestrator.results.store.rows import (
    CellRow,
    Outcomes,
    RunRow,
    TrialValue,
    Verification,
    read_figure,
    read_figures,
)


class CellQueries:
    """Answers from an open index; environments are never put together."""

    _database: sqlite3.Connection

    def cells(self, run: RunRow) -> Iterator[CellRow]:
        """Yield the cells of a run that have a final record, in order of their first record."""
        query = (
            "SELECT key, id, factors, settings, request FROM cells WHERE run = ?"
            " AND EXISTS (SELECT 1 FROM trials WHERE cell = cells.key AND final) ORDER BY key"
        )
        for key, identity, *texts in self._database.execute(query, (run.key,)):
            yield CellRow(key, identity, *map(json.loads, texts))

    def outcomes(self, cell: CellRow) -> Iterator[Outcomes]:
        """Yield what the trials of a cell came to, by environment."""
        rows = self._database.execute(
            "SELECT environment, status, boot, label, metrics, pages, pages_on_target, bytes_checked, bytes_wrong"
            " FROM trials WHERE cell = ? AND final ORDER BY environment, key",
            (cell.key,),
        )
        for environment, group in itertools.groupby(rows, key=itemgetter(0)):
            yield _outcomes(environment, group)

    def values_of_metric(
        self, run: RunRow, cell: str, environment: str, metric: str, unit: str
    ) -> Iterator[tuple[str, float]]:
        """Yield boot and value of a metric, of the ok trials of a cell (by its id) in order of the journal."""
        rows = self._database.execute(
            "SELECT boot, metrics FROM cells JOIN trials ON cell = cells.key"
            " WHERE cells.run = ? AND cells.id = ? AND environment = ? AND status = 'ok' AND final"
            " ORDER BY trials.key",
            (run.key, cell, environment),
        )
        for boot, figures in rows:
            value = read_figure(figures, metric, unit)
            if value is not None:
                yield boot, value

    def trial_values(self, cell: CellRow, metric: str, unit: str) -> Iterator[TrialValue]:
        """Yield a metric of every trial of a cell, by environment, then in order of the journal.

        Trials that were not needed (skipped and allowed) are left out.
        """
        rows = self._database.execute(
            "SELECT environment, host, boot, id, status, reason, label, started, metrics FROM trials"
            " WHERE cell = ? AND final AND NOT (status = 'skipped' AND allowed)"
            " ORDER BY environment, key",
            (cell.key,),
        )
        for *first, figures in rows:
            yield TrialValue(*(*first, read_figure(figures, metric, unit)))


def _outcomes(environment: str, rows: Iterable[tuple[Any, ...]]) -> Outcomes:
    statuses: dict[str, int] = {}
    values: dict[tuple[str, str], dict[str, array[float]]] = {}
    labels: set[str] = set()
    verified = _Verified()
    for _, status, boot, label, figures, *counts in rows:
        statuses[status] = statuses.get(status, 0) + 1
        if status != "ok":
            continue
        labels.add(label)
        for name, (unit, value) in read_figures(figures).items():
            values.setdefault((name, unit), {}).setdefault(boot, array("d")).append(value)
        if counts != [None, None, None, None]:
            verified.add(*counts)
    return Outcomes(
        environment,
        dict(sorted(statuses.items())),
        dict(sorted(values.items())),
        sorted(labels),
        verified.sum,
    )


class _Verified:
    """Sums up what trials verified."""

    sum: Verification | None = None

    def add(self, pages: int | None, there: int | None, checked: int | None, wrong: int | None) -> None:
        """Add what one trial says: pages, those on their target, bytes that were checked, those that were wrong."""
        before = self.sum or Verification(0, pages, there, None, None)
        worst = max((before.pages, before.pages_on_target), (pages, there), key=_missed)
        self.sum = Verification(
            before.trials + 1, *worst, _sum(before.bytes_checked, checked), _sum(before.bytes_wrong, wrong)
        )


def _missed(pages: tuple[int | None, int | None]) -> float:
    """Return how many pages missed their target; those of which it is not known come last."""
    count, there = pages
    return -math.inf if count is None or there is None else count - there


def _sum(before: int | None, count: int | None) -> int | None:
    return before if count is None else count + (before or 0)
