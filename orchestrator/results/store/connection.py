"""The file of the index: opened, waited for while another process writes it, and made anew if it is damaged."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable
from contextlib import closing, suppress
from functools import partial
from json import JSONDecodeError
from pathlib import Path
from types import TracebackType
from typing import Any, Literal

from msgspec import DecodeError

from orchestrator.activities import doing
from orchestrator.results import index
from orchestrator.results.codec import DamagedRecord
from orchestrator.results.files import PRIVATE
from orchestrator.results.migrations import UnreadableFormat

FILE = "index.sqlite"

_CACHE_KIB = 65536
"""Pages of the index that are kept in memory: its keys come in no order."""
_CHECKED = 64 << 20
"""Bytes of an index whose pages are all checked before it answers; in a larger one, damage is found on the way."""
_WAIT_S = 600.0
"""How long to wait for another process that is updating the index."""
_STEP_S = 0.2
"""How long SQLite waits at a time: an interrupt from the keyboard is raised between two of these."""

_DAMAGE = (
    sqlite3.DatabaseError,
    UnicodeDecodeError,  # also of a message of SQLite, which names a damaged column
    JSONDecodeError,
    DecodeError,
    DamagedRecord,
    UnreadableFormat,
)


def connect(path: Path | None) -> sqlite3.Connection:
    """Open an index, and create it first if it is missing, damaged or of another version; None: a temporary one."""
    if path and path.exists() and not _is_good(path):
        discard(path)
    if path and not path.exists():
        with suppress(OSError):  # which sqlite reports
            path.touch(PRIVATE)
    database = sqlite3.connect(path or "", timeout=_STEP_S, isolation_level=None, factory=_Connection)
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


def discard(path: Path) -> None:
    """Remove an index, with what an update that was killed would have undone in it."""
    path.unlink(missing_ok=True)
    path.with_name(f"{path.name}-journal").unlink(missing_ok=True)


def is_damage(error: BaseException | None) -> bool:
    """Whether an index that fails so is damaged. Locked, read-only or on a full disk it is not."""
    if isinstance(error, sqlite3.OperationalError):
        return _code(error) == sqlite3.SQLITE_ERROR  # such as a column that does not exist
    if isinstance(error, sqlite3.ProgrammingError):
        return False
    return isinstance(error, _DAMAGE)


def _is_good(path: Path) -> bool:
    """Whether the file is an index of this version, or a database that is still empty."""
    try:
        with closing(sqlite3.connect(path, timeout=_STEP_S, factory=_Connection)) as database:
            version = database.execute("PRAGMA user_version").fetchone()[0]
            tables = database.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
            if (
                path.stat().st_size <= _CHECKED
                and database.execute("PRAGMA quick_check(1)").fetchone()[0] != "ok"
            ):
                return False
    except Exception as error:
        if is_damage(error):
            return False
        raise
    return bool(version == index.SCHEMA_VERSION or tables == 0)


def _code(error: sqlite3.Error) -> int:
    """Return the primary result code of SQLite; text that is not UTF-8 is found by Python, and has none."""
    return getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF


class _Connection(sqlite3.Connection):
    """Waits in Python while another process has the index: in SQLite nothing would interrupt it."""

    def execute(self, *statement: Any) -> sqlite3.Cursor:
        """Execute a statement as soon as no other process is in the way."""
        return _patiently(partial(super().execute, *statement))

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> Literal[False]:
        try:
            if error is None and self.in_transaction:
                self.execute("COMMIT")
        finally:
            self.rollback()
        return False


def _patiently(action: Callable[[], sqlite3.Cursor]) -> sqlite3.Cursor:
    try:
        return action()
    except sqlite3.OperationalError as error:
        if _code(error) != sqlite3.SQLITE_BUSY:
            raise
    end = time.monotonic() + _WAIT_S
    with doing(FILE, "waiting for another process that updates it", _WAIT_S):
        while True:
            try:
                return action()
            except sqlite3.OperationalError as error:
                if _code(error) != sqlite3.SQLITE_BUSY or time.monotonic() > end:
                    raise
            time.sleep(_STEP_S / 4)  # SQLite does not wait where that could be a deadlock
