"""The open index of a results directory, kept up to date with its journals."""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path
from types import TracebackType
from typing import TypeVar

from orchestrator.errors import BadInput, HostError
from orchestrator.paths import check_name
from orchestrator.results import codec, index
from orchestrator.results.files import PRIVATE
from orchestrator.results.records import RunRecord
from orchestrator.results.runs import RunFolder, all_runs
from orchestrator.results.store.cell_queries import CellQueries
from orchestrator.results.store.rows import RunRow
from orchestrator.results.store.run_queries import RunQueries

T = TypeVar("T")

FILE = "index.sqlite"
_CACHE_KIB = 65536
"""Pages of the index that are kept in memory: its keys come in no order."""
_WAIT_S = 600.0
"""How long to wait for another process that is updating the index."""


class Store(RunQueries, CellQueries):
    """The index of a results directory; a context manager.

    With ``temporary``, or if the directory is not writable, the index is a temporary file that closing removes.
    """

    def __init__(self, results: Path, temporary: bool = False) -> None:
        self._results = Path(os.path.realpath(results))  # resolve() fails on links to themselves
        check_name(str(self._results / FILE))
        self._has_answered = False
        try:
            self._database = _open(None if temporary else self._results / FILE)
        except sqlite3.OperationalError:
            self._database = _open(None)

    def close(self) -> None:
        """Close the database; may be called twice."""
        self._database.close()

    def __enter__(self) -> Store:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def sync(self) -> list[str]:
        """Bring the index up to all journals.

        Returns one message for each journal that cannot be read, and for each line that is left out as it is damaged.
        """
        return self._written(self._sync)

    def _written(self, update: Callable[[], T]) -> T:
        """Update the index; one that cannot be written, as the disk is full, is replaced by a temporary one.

        Not once it has answered: the rows that it gave would mean other runs.
        """
        try:
            return update()
        except sqlite3.OperationalError as error:
            if self._has_answered:
                raise HostError(f"{self._results / FILE}: {error}; free some space, or remove it") from None
            self.close()
            self._database = _open(None)
            return update()

    def _sync(self) -> list[str]:
        faults = []
        gone = {row[0] for row in self._database.execute("SELECT folder FROM runs")}
        for run in all_runs(self._results):
            name = self._name(run)
            gone.discard(name)
            if not run.journal.exists():
                continue
            try:
                damage = index.update(self._database, name, run.journal)
                faults += [f"{line}; left out" for line in damage]
            except BadInput as error:
                faults.append(str(error))
        for name in gone:
            index.remove(self._database, name)
        return faults

    def run(self, run: RunFolder) -> RunRow:
        """Bring the index up to one run's journal and return its row.

        Raises ``BadInput`` if the journal is damaged.
        """
        name = self._name(run)
        self._written(lambda: index.update(self._database, name, run.journal))
        return next(self._runs("WHERE folder = ?", (name,)))

    def runs(self) -> Iterator[RunRow]:
        """Yield all indexed runs, oldest first."""
        return self._runs("ORDER BY id", ())

    def _runs(self, clause: str, values: tuple[str, ...]) -> Iterator[RunRow]:
        self._has_answered = True
        query = f"SELECT key, folder, id, opening, complete, ended, damage FROM runs {clause}"  # nosec B608 # constants
        for key, folder, identity, text, complete, ended, damage in self._database.execute(query, values):
            opening = codec.decode(json.loads(text)) if text else None
            assert opening is None or isinstance(opening, RunRecord)
            left_out = tuple(json.loads(damage))
            yield RunRow(key, self._results / folder, identity, opening, bool(complete), ended, left_out)

    def _name(self, run: RunFolder) -> str:
        path = run.path.resolve()
        return str(path.relative_to(self._results) if path.is_relative_to(self._results) else path)


def open_for(results: Path, run: RunFolder) -> Store:
    """Open the index for questions about one run: that of its results directory, or a temporary one."""
    return Store(results, temporary=not run.path.resolve().is_relative_to(os.path.realpath(results)))


def _open(path: Path | None) -> sqlite3.Connection:
    """Open an index, and create it first if it is missing, damaged or of another version; None: a temporary one."""
    if path and path.exists() and not _is_good(path):
        path.unlink(missing_ok=True)
    if path and not path.exists():
        with suppress(OSError):  # which sqlite reports
            path.touch(PRIVATE)
    database = sqlite3.connect(path or "", timeout=_WAIT_S, isolation_level=None)
    try:
        database.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
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
    """Whether the file is an index of this version, or a database that is still empty."""
    try:
        with closing(sqlite3.connect(path, timeout=_WAIT_S)) as database:
            version = database.execute("PRAGMA user_version").fetchone()[0]
            tables = database.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
    except sqlite3.OperationalError:
        raise
    except sqlite3.DatabaseError:
        return False
    return bool(version == index.SCHEMA_VERSION or tables == 0)
