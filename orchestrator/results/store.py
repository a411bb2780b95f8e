"""All runs in one sqlite index, ``results/index.sqlite``, for questions over many trials in bounded memory.

It can be deleted at any time: it is made again from the journals, and only what changed is read.
"""

from __future__ import annotations

import itertools
import json
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType

from orchestrator.errors import BadInput
from orchestrator.results import codec, index
from orchestrator.results.records import BlockRecord, RunRecord
from orchestrator.results.runs import RunFolder, all_runs

FILE = "index.sqlite"
_WAIT_S = 600.0
"""How long to wait for another process that is updating the index."""


@dataclass(frozen=True, slots=True)
class RunRow:
    """A run as the index knows it; ``opening`` is None while the journal has no first record."""

    key: int
    folder: Path
    id: str
    opening: RunRecord | None
    complete: bool
    ended: str


@dataclass(frozen=True, slots=True)
class CellRow:
    """A cell of a run; the keys grow in the order in which the cells first appear in the journal.

    :ivar settings: what its first ok trial read back; ``request``: the benchmark's options in it, defaults included.
    """

    key: int
    id: str
    factors: dict[str, str]
    settings: dict[str, str] = field(default_factory=dict)
    request: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class TrialRow:
    """One record of a trial, ``final`` or an attempt that was repeated; ``metrics`` are the values by name."""

    metrics: Mapping[str, float]
    id: str
    cell: str
    repetition: int
    status: str
    reason: str
    final: int
    allowed: int
    environment: str
    host: str
    boot: str
    started: str
    ended: str
    pages: int | None
    pages_on_target: int | None
    bytes_checked: int | None
    bytes_wrong: int | None
    label: str


@dataclass(frozen=True, slots=True)
class Reason:
    """Why trials were not ok: those of a run that share status, reason and whether it was allowed."""

    status: str
    reason: str
    allowed: bool
    trials: int
    example: str


class Store:
    """The index of a results folder; a context manager.

    ``temporary``, or where the folder cannot be written: in a file of sqlite's own that is gone after closing.
    """

    def __init__(self, results: Path, temporary: bool = False) -> None:
        self._results = results.resolve()
        try:
            self.database = _open(None if temporary else self._results / FILE)
        except sqlite3.OperationalError:
            self.database = _open(None)

    def close(self) -> None:
        """Close the database; may be called twice."""
        self.database.close()

    def __enter__(self) -> Store:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def sync(self) -> list[str]:
        """Bring the index up to all journals; return what is wrong with those that cannot be read."""
        faults = []
        known = {row[0] for row in self.database.execute("SELECT folder FROM runs")}
        for run in all_runs(self._results):
            name = self._name(run)
            known.discard(name)
            if not run.journal.exists():
                continue
            try:
                index.update(self.database, name, run.journal)
            except BadInput as error:
                faults.append(str(error))
        with self.database:
            self.database.executemany("DELETE FROM runs WHERE folder = ?", ((name,) for name in known))
        return faults

    def run(self, run: RunFolder) -> RunRow:
        """Bring the index up to one run's journal and return its row; ``BadInput`` if the journal is damaged."""
        name = self._name(run)
        index.update(self.database, name, run.journal)
        return next(self._runs("WHERE folder = ?", (name,)))

    def runs(self) -> Iterator[RunRow]:
        """Yield all runs that are indexed, oldest first."""
        return self._runs("ORDER BY id", ())

    def cells(self, run: RunRow) -> Iterator[CellRow]:
        """Yield the cells of a run that have a final record, in order of their first record."""
        query = (
            "SELECT key, id, factors, settings, request FROM cells WHERE run = ?"
            " AND EXISTS (SELECT 1 FROM trials WHERE cell = cells.key AND final) ORDER BY key"
        )
        for key, identity, *texts in self.database.execute(query, (run.key,)):
            yield CellRow(key, identity, *map(json.loads, texts))

    def trials(self, run: RunRow, metrics: Sequence[str]) -> Iterator[TrialRow]:
        """Yield every record of a trial in the order of the journal, with those of the metrics that it has."""
        # An empty list would make sqlite read all metrics for each trial.
        names = ", ".join("?" * len(metrics)) or "NULL"
        # The plus keeps sqlite from an index: rows in the order of their keys need no sorting.
        query = (
            "SELECT trials.key, trials.id, cells.id, repetition, status, reason, final, allowed, environment, host,"
            " boot, started, ended, pages, pages_on_target, bytes_checked, bytes_wrong, label, name, value FROM trials"
            f" JOIN cells ON cells.key = cell LEFT JOIN metrics ON trial = trials.key AND name IN ({names})"
            " WHERE +trials.run = ? ORDER BY trials.key"
        )
        rows = self.database.execute(query, (*metrics, run.key))
        for _, group in itertools.groupby(rows, key=lambda row: row[0]):
            first, *more = group
            found = {name: value for *_, name, value in (first, *more) if name is not None}
            yield TrialRow(found, *first[1:-2])

    def statuses(self, run: RunRow) -> dict[str, int]:
        """Return the number of trials by status."""
        query = "SELECT status, count(*) FROM trials WHERE run = ? AND final GROUP BY status ORDER BY status"
        return dict(self.database.execute(query, (run.key,)))

    def not_allowed(self, run: RunRow) -> int:
        """Return the number of trials that are not ok and that the experiment does not allow to be so."""
        query = "SELECT count(*) FROM trials WHERE run = ? AND final AND status != 'ok' AND NOT allowed"
        return int(self.database.execute(query, (run.key,)).fetchone()[0])

    def environments(self, run: RunRow) -> list[str]:
        """Return the environments in which trials of the run were made."""
        query = "SELECT DISTINCT environment FROM trials WHERE run = ? AND final ORDER BY environment"
        return [row[0] for row in self.database.execute(query, (run.key,))]

    def labels(self, run: RunRow) -> dict[str, str]:
        """Return the labels of figures of the run, and what the benchmark says that each means."""
        query = (
            "SELECT label, max(label_means) FROM trials WHERE run = ? AND final AND status = 'ok' AND label != ''"
            " GROUP BY label ORDER BY label"
        )
        return dict(self.database.execute(query, (run.key,)))

    def blocks(self, run: RunRow) -> Iterator[BlockRecord]:
        """Yield the boots of a run in order of time."""
        for (text,) in self.database.execute(
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
        for status, reason, allowed, trials, example in self.database.execute(query, (run.key, final)):
            yield Reason(status, reason, bool(allowed), trials, example)

    def _runs(self, clause: str, values: tuple[str, ...]) -> Iterator[RunRow]:
        query = f"SELECT key, folder, id, opening, complete, ended FROM runs {clause}"
        for key, folder, identity, text, complete, ended in self.database.execute(query, values):
            opening = codec.decode(json.loads(text)) if text else None
            assert opening is None or isinstance(opening, RunRecord)
            yield RunRow(key, self._results / folder, identity, opening, bool(complete), ended)

    def _name(self, run: RunFolder) -> str:
        path = run.path.resolve()
        return str(path.relative_to(self._results) if path.is_relative_to(self._results) else path)


def open_for(results: Path, run: RunFolder) -> Store:
    """Open the index to ask about one run: that of the results folder it lies in, or a temporary one."""
    return Store(results, temporary=not run.path.resolve().is_relative_to(results.resolve()))


def _open(path: Path | None) -> sqlite3.Connection:
    """Open (or make, or make anew) an index; None: a temporary one."""
    if path and path.exists() and not _is_good(path):
        path.unlink(missing_ok=True)
    database = sqlite3.connect(path or "", timeout=_WAIT_S, isolation_level=None)
    try:
        database.execute("PRAGMA foreign_keys = ON")
        database.execute("BEGIN IMMEDIATE")
        if database.execute("PRAGMA user_version").fetchone()[0] != index.SCHEMA_VERSION:
            for statement in index.TABLES.split(";\n"):
                database.execute(statement)
            database.execute(f"PRAGMA user_version = {index.SCHEMA_VERSION}")
        database.execute("COMMIT")
    except sqlite3.Error:
        database.close()
        raise
    return database


def _is_good(path: Path) -> bool:
    """Whether the file is an index of this version, or an empty one that is about to become one."""
    try:
        with closing(sqlite3.connect(path, timeout=_WAIT_S)) as database:
            version = database.execute("PRAGMA user_version").fetchone()[0]
            tables = database.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
    except sqlite3.OperationalError:
        raise
    except sqlite3.DatabaseError:
        return False
    return bool(version == index.SCHEMA_VERSION or tables == 0)
