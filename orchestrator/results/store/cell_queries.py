"""Questions about one cell: its outcomes, its values, what was verified."""

from __future__ import annotations

import itertools
import json
import sqlite3
from array import array
from collections.abc import Iterator

from orchestrator.results.store.rows import (
    CellRow,
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

    def statuses_by_environment(self, cell: CellRow) -> dict[str, dict[str, int]]:
        """Return, by environment, the number of trials by status."""
        rows = self._database.execute(
            "SELECT environment, status, count(*) FROM trials WHERE cell = ? AND final"
            " GROUP BY environment, status ORDER BY environment, status",
            (cell.key,),
        )
        return {
            environment: {status: count for _, status, count in group}
            for environment, group in itertools.groupby(rows, key=lambda row: row[0])
        }

    def values(self, cell: CellRow, environment: str) -> dict[tuple[str, str], dict[str, array[float]]]:
        """Return the values of the ok trials of a cell by boot, for each metric and unit, in order of the journal."""
        rows = self._database.execute(
            "SELECT boot, metrics FROM trials WHERE cell = ? AND environment = ? AND status = 'ok' AND final"
            " ORDER BY key",
            (cell.key, environment),
        )
        found: dict[tuple[str, str], dict[str, array[float]]] = {}
        for boot, figures in rows:
            for name, (unit, value) in read_figures(figures).items():
                found.setdefault((name, unit), {}).setdefault(boot, array("d")).append(value)
        return dict(sorted(found.items()))

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
            "SELECT environment, host, boot, id, status, reason, label, metrics FROM trials"
            " WHERE cell = ? AND final AND NOT (status = 'skipped' AND allowed)"
            " ORDER BY environment, key",
            (cell.key,),
        )
        for *first, figures in rows:
            yield TrialValue(*(*first, read_figure(figures, metric, unit)))

    def verification(self, cell: CellRow, environment: str) -> Verification | None:
        """Return what was verified in the ok trials of a cell, None if no trial reports anything."""
        condition = (
            "FROM trials WHERE cell = ? AND environment = ? AND status = 'ok' AND final"
            " AND coalesce(pages, pages_on_target, bytes_checked, bytes_wrong) IS NOT NULL"
        )
        values = (cell.key, environment)
        trials, checked, wrong = self._database.execute(
            f"SELECT count(*), {_sum('bytes_checked')}, {_sum('bytes_wrong')} {condition}", values
        ).fetchone()
        if not trials:
            return None
        pages, on_target = self._database.execute(
            f"SELECT pages, pages_on_target {condition} ORDER BY pages - pages_on_target DESC LIMIT 1", values
        ).fetchone()
        return Verification(trials, pages, on_target, checked, wrong)

    def labels_of(self, cell: CellRow, environment: str) -> list[str]:
        """Return the labels of the ok trials of a cell, sorted; ``""`` stands for those without one."""
        rows = self._database.execute(
            "SELECT DISTINCT label FROM trials WHERE cell = ? AND environment = ? AND status = 'ok' AND final"
            " ORDER BY label",
            (cell.key, environment),
        )
        return [row[0] for row in rows]


def _sum(column: str) -> str:
    """SQL for a sum that is null if all values are, and that does not overflow, whatever a benchmark reports."""
    return f"iif(count({column}), CAST(total({column}) AS INTEGER), NULL)"
