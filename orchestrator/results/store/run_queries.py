"""Questions about one run: its trials, their outcomes, its boots."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Sequence

from orchestrator.results import codec
from orchestrator.results.records import BlockRecord
from orchestrator.results.store.rows import Reason, RunRow, TrialRow, read_figures


class RunQueries:
    """Answers from an open index."""

    _database: sqlite3.Connection

    def trials(self, run: RunRow, metrics: Sequence[str]) -> Iterator[TrialRow]:
        """Yield every record of a trial in the order of the journal, with those of the metrics that it has."""
        # The plus keeps sqlite from an index: rows in the order of their keys need no sorting.
        query = (
            "SELECT trials.id, cells.id, repetition, status, reason, final, allowed, environment, host,"
            " boot, started, ended, pages, pages_on_target, bytes_checked, bytes_wrong, label, metrics FROM trials"
            " JOIN cells ON cells.key = cell WHERE +trials.run = ? ORDER BY trials.key"
        )
        for *first, figures in self._database.execute(query, (run.key,)):
            values = {name: value for name, (_, value) in read_figures(figures).items() if name in metrics}
            yield TrialRow(values, *first)

    def statuses(self, run: RunRow) -> dict[str, int]:
        """Return the number of trials by status."""
        query = "SELECT status, count(*) FROM trials WHERE run = ? AND final GROUP BY status ORDER BY status"
        return dict(self._database.execute(query, (run.key,)))

    def not_allowed(self, run: RunRow) -> int:
        """Return the number of trials that are not ok and not allowed to be so by the experiment."""
        query = "SELECT count(*) FROM trials WHERE run = ? AND final AND status != 'ok' AND NOT allowed"
        return int(self._database.execute(query, (run.key,)).fetchone()[0])

    def environments(self, run: RunRow) -> list[str]:
        """Return the environments in which trials of the run were made."""
        query = "SELECT DISTINCT environment FROM trials WHERE run = ? AND final ORDER BY environment"
        return [row[0] for row in self._database.execute(query, (run.key,))]

    def labels(self, run: RunRow) -> dict[str, str]:
        """Return the labels of figures of the run, and what each means according to the benchmark."""
        query = (
            "SELECT label, max(label_means) FROM trials WHERE run = ? AND final AND status = 'ok' AND label != ''"
            " GROUP BY label ORDER BY label"
        )
        return dict(self._database.execute(query, (run.key,)))

    def missing(self, run: RunRow) -> dict[str, str]:
        """Return why a trial that ended well has no figure of a metric, by its name: the reason of the first one."""
        return dict(self._database.execute("SELECT name, reason FROM missing WHERE run = ?", (run.key,)))

    def blocks(self, run: RunRow) -> Iterator[BlockRecord]:
        """Yield the boots of a run in order of time."""
        for (text,) in self._database.execute(
            "SELECT record FROM blocks WHERE run = ? ORDER BY rowid", (run.key,)
        ):
            record = codec.decode(json.loads(text))
            assert isinstance(record, BlockRecord)
            yield record

    def reasons(self, run: RunRow, final: bool = True) -> Iterator[Reason]:
        """Yield why trials (not ``final``: attempts that were repeated) were not ok, the most frequent first."""
        query = (
            "SELECT status, reason, allowed, count(*) AS trials, min(id) FROM trials"
            " WHERE run = ? AND final = ? AND status != 'ok'"
            " GROUP BY status, reason, allowed ORDER BY trials DESC, status, reason"
        )
        for status, reason, allowed, trials, example in self._database.execute(query, (run.key, final)):
            yield Reason(status, reason, bool(allowed), trials, example)
