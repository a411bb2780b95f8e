"""The open index of a results directory, kept up to date with its journals."""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import TypeVar

from orchestrator.errors import BadInput, HostError
from orchestrator.paths import check_name, is_closed
from orchestrator.results import codec, index
from orchestrator.results.records import RunRecord
from orchestrator.results.runs import RunFolder, all_runs
from orchestrator.results.store.cell_queries import CellQueries
from orchestrator.results.store.connection import FILE, connect, discard, is_damage
from orchestrator.results.store.rows import RunRow
from orchestrator.results.store.run_queries import RunQueries

T = TypeVar("T")


class Store(RunQueries, CellQueries):
    """The index of a results directory; a context manager.

    With ``temporary``, or if the directory is not writable, the index is a temporary file that closing removes.
    """

    def __init__(self, results: Path, temporary: bool = False) -> None:
        self._results = Path(os.path.realpath(results))  # resolve() fails on links to themselves
        check_name(str(self._results / FILE))
        self._has_answered = False
        path = self._results / FILE
        self._path = None if temporary or is_closed(path) else path
        self._open()

    def _open(self) -> None:
        try:
            self._database = connect(self._path)
        except sqlite3.OperationalError:
            self._path = None
            self._database = connect(None)

    def close(self) -> None:
        """Close the database; may be called twice."""
        self._database.close()

    def __enter__(self) -> Store:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
        if self._path is not None and is_damage(error):
            discard(self._path)
            raise HostError(f"{self._path}: damaged; removed: the next command makes it anew") from None

    def sync(self) -> list[str]:
        """Bring the index up to all journals.

        Returns one message for each journal that cannot be read, and for each line that is left out as it is damaged.
        """
        return self._written(self._sync)

    def _written(self, update: Callable[[], T]) -> T:
        """Update the index; one that is damaged is made anew.

        One that cannot be written, as the disk is full, is replaced by a temporary one. Not once it has answered: the
        rows that it gave would mean other runs.
        """
        try:
            return update()
        except Exception as error:
            is_damaged = is_damage(error)
            if not is_damaged and not isinstance(error, sqlite3.OperationalError):
                raise
            if self._has_answered:
                if is_damaged:
                    raise
                raise HostError(f"{self._results / FILE}: {error}; free some space, or remove it") from None
            self.close()
            if is_damaged and self._path is not None:
                discard(self._path)
            else:
                self._path = None
            self._open()
            return update()

    def _sync(self) -> list[str]:
        faults = []
        gone = {row[0] for row in self._database.execute("SELECT folder FROM runs")}
        for run in all_runs(self._results):
            name = self._name(run)
            gone.discard(name)
            if not is_closed(run.journal) and not run.journal.exists():
                continue
            try:
                damage = index.update(self._database, name, run.journal)
                faults += [f"{line}; left out" for line in damage]
            except BadInput as error:
                faults += error.lines
        for name in gone:
            index.remove(self._database, name)
        for _ in self._runs("ORDER BY id", ()):
            pass  # of a damaged index, some row may be no record
        return faults

    def run(self, run: RunFolder) -> RunRow:
        """Bring the index up to one run's journal and return its row.

        Raises ``BadInput`` if the journal is damaged.
        """
        name = self._name(run)

        def update() -> RunRow:
            index.update(self._database, name, run.journal)
            return next(self._runs("WHERE folder = ?", (name,)))

        row = self._written(update)
        self._has_answered = True
        return row

    def runs(self) -> Iterator[RunRow]:
        """Yield all indexed runs, oldest first."""
        self._has_answered = True
        return self._runs("ORDER BY id", ())

    def _runs(self, clause: str, values: tuple[str, ...]) -> Iterator[RunRow]:
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
