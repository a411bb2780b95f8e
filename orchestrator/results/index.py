"""The tables of the sqlite index, and how records of a journal enter them. The index is a cache of the journals."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from orchestrator.activities import doing
from orchestrator.errors import BadInput
from orchestrator.experiment.model import Status
from orchestrator.results import codec
from orchestrator.results.codec import plain_text
from orchestrator.results.files import open_regular
from orchestrator.results.journal import entries
from orchestrator.results.records import BlockRecord, EndRecord, Record, RunRecord, TrialRecord, is_usable

SCHEMA_VERSION = 11
"""Raised with any change of the tables or of what enters them: an index of another version is deleted and rebuilt."""

TABLES = """
CREATE TABLE runs (
    key INTEGER PRIMARY KEY,
    folder TEXT NOT NULL UNIQUE,      -- relative to the results directory if inside it
    id TEXT NOT NULL,
    opening TEXT NOT NULL,            -- the first record, as JSON; '' before it exists
    complete INTEGER NOT NULL,
    ended TEXT NOT NULL,
    position INTEGER NOT NULL,        -- bytes of the journal that are in the index
    mark TEXT NOT NULL,               -- hash of the last of these bytes: detects a replaced journal
    damage TEXT NOT NULL              -- JSON list: damaged lines, which were left out
);
CREATE TABLE blocks (
    run INTEGER NOT NULL,
    record TEXT NOT NULL              -- the whole record, as JSON: there are few
);
CREATE INDEX blocks_of_run ON blocks (run);
CREATE TABLE cells (
    key INTEGER PRIMARY KEY,
    run INTEGER NOT NULL,
    id TEXT NOT NULL,
    factors TEXT NOT NULL,            -- JSON object, as are
    settings TEXT NOT NULL,           -- settings read back by its first ok trial,
    request TEXT NOT NULL,            -- options of the benchmark in that trial, defaults included
    UNIQUE (run, id)
);
CREATE TABLE trials (
    key INTEGER PRIMARY KEY,
    run INTEGER NOT NULL,
    cell INTEGER NOT NULL,
    id TEXT NOT NULL, final INTEGER NOT NULL, repetition INTEGER NOT NULL,
    status TEXT NOT NULL, reason TEXT NOT NULL, allowed INTEGER NOT NULL,
    environment TEXT NOT NULL, host TEXT NOT NULL, boot TEXT NOT NULL,
    started TEXT NOT NULL, ended TEXT NOT NULL,
    pages INTEGER, pages_on_target INTEGER, bytes_checked INTEGER, bytes_wrong INTEGER,
    label TEXT NOT NULL, label_means TEXT NOT NULL, -- label of the figures, '' if none
    metrics TEXT NOT NULL             -- JSON object: unit and value by name, of usable figures
);
CREATE INDEX trials_of_cell ON trials (cell);
CREATE UNIQUE INDEX one_final_record ON trials (run, id) WHERE final;
CREATE TABLE missing (
    run INTEGER NOT NULL,
    name TEXT NOT NULL,
    reason TEXT NOT NULL,             -- why the first trial without this metric has no figure
    PRIMARY KEY (run, name)
) WITHOUT ROWID;
"""
_GONE = (
    "DELETE FROM trials WHERE cell IN (SELECT key FROM cells WHERE run = ?)",
    "DELETE FROM cells WHERE run = ?",
    "DELETE FROM blocks WHERE run = ?",
    "DELETE FROM missing WHERE run = ?",
    "DELETE FROM runs WHERE key = ?",
)
"""What takes a run out. Foreign keys would do it as well, but are looked up for each trial that is inserted."""
VERIFICATION = ("pages", "pages_on_target", "bytes_checked", "bytes_wrong")
"""Keys of ``verification`` in a benchmark's document that the index has."""

_MARK_BYTES = 4096
_TRIALS_AT_ONCE = 1000
_LARGEST = 2**63 - 1


def update(database: sqlite3.Connection, folder: str, journal: Path) -> list[str]:
    """Bring one run's rows up to its journal: read only what was appended, or all if the journal was replaced.

    One transaction; nothing changes if the journal cannot be read (``BadInput``). Damaged lines are left out, and
    returned with file, line and fault.
    """
    with doing(folder, "reading the journal"), database:
        database.execute("BEGIN IMMEDIATE")
        row = database.execute("SELECT key, position, mark FROM runs WHERE folder = ?", (folder,)).fetchone()
        if row and _mark(journal, row[1]) == row[2]:
            key, position = row[0], row[1]
        else:
            if row:
                _remove(database, row[0])
            key, position = _new_run(database, folder, journal.parent.name), 0
        indexer = _Indexer(database, key, journal)
        damage: list[str] = []
        for end, record in entries(journal, position, damage.append):
            indexer.add(record)
            position = end
        indexer.flush()
        before = json.loads(database.execute("SELECT damage FROM runs WHERE key = ?", (key,)).fetchone()[0])
        damage = list(dict.fromkeys(before + damage))
        values = (position, _mark(journal, position), json.dumps(damage), key)
        database.execute("UPDATE runs SET position = ?, mark = ?, damage = ? WHERE key = ?", values)
        if damage:
            _reopen(database, key)
        return damage


def _reopen(database: sqlite3.Connection, run: int) -> None:
    """Take a run with damaged lines for complete only if all of its trials are there."""
    query = "SELECT opening, (SELECT count(*) FROM trials WHERE run = ?1 AND final) FROM runs WHERE key = ?1"
    opening, ended = database.execute(query, (run,)).fetchone()
    if ended < json.loads(opening)["trials"]:
        database.execute("UPDATE runs SET complete = 0 WHERE key = ?", (run,))


def remove(database: sqlite3.Connection, folder: str) -> None:
    """Remove the rows of a run."""
    with database:
        database.execute("BEGIN IMMEDIATE")
        for (key,) in database.execute("SELECT key FROM runs WHERE folder = ?", (folder,)).fetchall():
            _remove(database, key)


def _remove(database: sqlite3.Connection, run: int) -> None:
    for statement in _GONE:
        database.execute(statement, (run,))


def _new_run(database: sqlite3.Connection, folder: str, identity: str) -> int:
    inserted = database.execute(
        "INSERT INTO runs VALUES (NULL, ?, ?, '', 0, '', 0, '', '[]')",
        (folder, identity),
    )
    return int(inserted.lastrowid or 0)


def _mark(journal: Path, position: int) -> str | None:
    """Return a hash of the bytes just before ``position``; None if the journal is shorter than that."""
    try:
        with open_regular(journal) as stream:
            start = stream.seek(max(0, position - _MARK_BYTES))
            tail = stream.read(position - start)
    except OSError as error:
        raise BadInput(f"{journal}: {error.strerror}") from None
    return hashlib.sha256(tail).hexdigest() if start + len(tail) == position else None


class _Indexer:
    """Inserts the records of one run into the tables."""

    def __init__(self, database: sqlite3.Connection, run: int, journal: Path) -> None:
        self._database = database
        self._run = run
        self._journal = journal
        self._cells: dict[str, int] = {}
        self._described: set[int] = set()
        self._trials: list[tuple[Any, ...]] = []

    def add(self, record: Record) -> None:
        """Insert one record, or keep it for :meth:`flush`; ``BadInput`` for a second final record of a trial."""
        if isinstance(record, TrialRecord):
            self._add_trial(record)
        elif isinstance(record, BlockRecord):
            self._database.execute(
                "INSERT INTO blocks VALUES (?, ?)",
                (self._run, json.dumps(codec.encode(codec.in_unicode(record)))),
            )
        elif isinstance(record, RunRecord):
            self._database.execute(
                "UPDATE runs SET complete = 0, ended = '', opening = iif(opening = '', ?1, opening) WHERE key = ?2",
                (json.dumps(codec.encode(codec.in_unicode(record))), self._run),
            )
        elif isinstance(record, EndRecord):
            self._database.execute(
                "UPDATE runs SET complete = ?, ended = ? WHERE key = ?",
                (record.complete, plain_text(record.time), self._run),
            )

    def flush(self) -> None:
        """Insert the trials that were kept."""
        if not self._trials:
            return
        marks = ", ".join("?" * len(self._trials[0]))
        statement = f"INSERT INTO trials VALUES (NULL, {marks})"  # nosec B608 # values are bound
        self._database.execute("SAVEPOINT some")
        try:
            self._database.executemany(statement, self._trials)
        except sqlite3.IntegrityError:
            self._database.execute("ROLLBACK TO some")
            self._name_the_second(statement)
        self._database.execute("RELEASE some")
        self._trials.clear()

    def _name_the_second(self, statement: str) -> None:
        """Raise ``BadInput`` with the trial that has two final records."""
        for values in self._trials:
            try:
                self._database.execute(statement, values)
            except sqlite3.IntegrityError:
                raise BadInput(
                    f"{self._journal}: damaged: two final records of trial {values[2]}; "
                    "remove the second line with its id, or leave the run out"
                ) from None

    def _add_trial(self, record: TrialRecord) -> None:
        cell = self._cell(record)
        self._describe(cell, record)
        figures = {
            name: (metric.unit, metric.value)
            for name, metric in record.metrics.items()
            if is_usable(metric.value)
        }
        identity, reason, environment, host, boot, start, end, label, means = _all_plain(
            record.trial, record.reason, record.environment, record.host, record.boot, record.start, record.end,
            *_label(record.details),
        )  # fmt: skip
        self._trials.append((
            self._run, cell, identity, record.final, record.repetition, record.status.value, reason, record.allowed,
            environment, host, boot, start, end, *_verification(record.details), label, means, _figures(figures),
        ))  # fmt: skip
        if len(self._trials) >= _TRIALS_AT_ONCE:
            self.flush()
        if record.missing:
            self._database.executemany(
                "INSERT OR IGNORE INTO missing VALUES (?, ?, ?)",
                (
                    (self._run, plain_text(name), plain_text(reason))
                    for name, reason in record.missing.items()
                ),
            )

    def _cell(self, record: TrialRecord) -> int:
        if record.cell not in self._cells:
            identity = plain_text(record.cell)
            self._database.execute(
                "INSERT OR IGNORE INTO cells (run, id, factors, settings, request) VALUES (?, ?, ?, '{}', '{}')",
                (self._run, identity, _texts(record.factors)),
            )
            row = self._database.execute(
                "SELECT key FROM cells WHERE run = ? AND id = ?", (self._run, identity)
            ).fetchone()
            self._cells[record.cell] = row[0]
        return self._cells[record.cell]

    def _describe(self, cell: int, record: TrialRecord) -> None:
        if record.status is Status.OK and cell not in self._described:
            self._described.add(cell)
            self._database.execute(
                "UPDATE cells SET settings = ?, request = ? WHERE key = ? AND request = '{}' AND settings = '{}'",
                (_texts(record.settings), _texts(_request(record.details)), cell),
            )


def _figures(figures: Mapping[str, tuple[str, float]]) -> str:
    """Return the column ``metrics``."""
    try:
        return msgspec.json.encode(figures).decode()
    except UnicodeEncodeError:
        plain = {plain_text(name): (plain_text(unit), value) for name, (unit, value) in figures.items()}
        return msgspec.json.encode(plain).decode()


def _verification(details: Any) -> tuple[int | None, ...]:
    verification = details.get("verification") if isinstance(details, dict) else None
    if not isinstance(verification, dict):
        return (None,) * len(VERIFICATION)
    return tuple([_count(verification.get(name)) for name in VERIFICATION])


def _request(details: Any) -> Mapping[str, Any]:
    """Return the effective options: ``request`` of the benchmark's document, with the values that the benchmark chose
    itself, under the same names in ``environment``.
    """
    document = details if isinstance(details, dict) else {}
    request, chosen = (
        part if isinstance(part, dict) else {} for part in map(document.get, ("request", "environment"))
    )
    return {name: chosen.get(name, value) for name, value in request.items()}


def _texts(values: Mapping[str, Any]) -> str:
    """Return a JSON object of texts; booleans as in YAML."""
    words = {
        name: value if isinstance(value, str) else json.dumps(value, default=str)
        for name, value in values.items()
    }
    return json.dumps({plain_text(name): plain_text(word) for name, word in words.items()})


def _label(details: Any) -> tuple[str, str]:
    """Return name and meaning of ``label`` in a benchmark's document; figures have one if their levels mislead."""
    label = details.get("label") if isinstance(details, dict) else None
    if not isinstance(label, dict) or not isinstance(label.get("name"), str):
        return "", ""
    return label["name"], str(label.get("means", ""))


def _count(value: Any) -> int | None:
    return value if type(value) is int and 0 <= value <= _LARGEST else None


def _all_plain(*texts: str) -> tuple[str, ...]:
    """Return texts as :func:`plain_text` does; nearly all are, and so looked at together."""
    return texts if "".join(texts).isascii() else tuple(map(plain_text, texts))
