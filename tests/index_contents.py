"""What the index of a results directory holds, and what it would hold if it were made anew."""

from __future__ import annotations

import shutil
import sqlite3
import tempfile
from contextlib import closing
from pathlib import Path

from orchestrator.results import store
from orchestrator.results.store import Store

IDS = [f"2026112{day}T101500000Z-0a1b" for day in range(10)]


def folder(results: Path, number: int = 0) -> Path:
    return results / "quickstart" / IDS[number]


def contents(results: Path) -> dict[str, list[tuple[object, ...]]]:
    """Return all that the index of a results directory holds, without the keys, which depend on the order of events."""
    queries = {
        "runs": "SELECT folder, id, opening, complete, ended, position, mark FROM runs ORDER BY 1",
        "cells": "SELECT folder, cells.id, factors, settings, request FROM cells"
        " JOIN runs ON runs.key = run ORDER BY 1, 2",
        "trials": "SELECT trials.id, cells.id, final, status, reason, pages, bytes_wrong FROM trials"
        " JOIN cells ON cells.key = cell ORDER BY 1, 2, 3, 4",
        "metrics": "SELECT id, metrics FROM trials ORDER BY 1, 2",
        "blocks": "SELECT folder, record FROM blocks JOIN runs ON runs.key = run ORDER BY 1, 2",
    }
    return {name: select(results, query) for name, query in queries.items()}


def select(results: Path, query: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(results / store.FILE)) as database:
        return database.execute(query).fetchall()


def rebuilt(results: Path) -> dict[str, list[tuple[object, ...]]]:
    """Return the contents of an index that is made of the same journals in one go."""
    with tempfile.TemporaryDirectory() as other:
        copy = Path(other) / "results"
        shutil.copytree(results, copy, ignore=shutil.ignore_patterns(store.FILE))
        with Store(copy) as found:
            assert found.sync() == []
            return contents(copy)
