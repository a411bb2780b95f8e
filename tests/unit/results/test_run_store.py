"""The index agrees with the journals, however it was made."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path
from typing import IO, Any

import pytest
from msgspec.structs import replace

from orchestrator.activities import current
from orchestrator.errors import BadInput
from orchestrator.experiment.model import Status
from orchestrator.results import index, store
from orchestrator.results.codec import to_line
from orchestrator.results.records import MetricValue
from orchestrator.results.runs import RunFolder
from orchestrator.results.store import Reason, Store, open_for
from tests.calls import orchestrate
from tests.run_samples import BLOCK, END, RUN, VERIFICATION, trial, write

IDS = [f"2026112{day}T101500000Z-0a1b" for day in range(10)]
SERIAL, COPY = {"mode": "serial"}, {"mode": "copy"}


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


def test_the_index_says_what_the_journals_say(tmp_path: Path) -> None:
    failed = trial(COPY, 1, status=Status.FAILED, reason="wrong", details="text")
    crashed = trial(COPY, 1, status=Status.CRASHED, reason="died", final=False)
    write(folder(tmp_path), [RUN, BLOCK, trial(SERIAL, throughput=3.0), crashed, failed, END])
    write(folder(tmp_path, 1), [replace(RUN, experiment="other")])
    with Store(tmp_path) as found:
        assert found.sync() == []
        first, second = found.runs()
        assert (first.id, first.opening, first.complete, first.ended) == (IDS[0], RUN, True, END.time)
        assert (second.complete, found.statuses(second), found.environments(second)) == (False, {}, [])
        assert [cell.factors["mode"] for cell in found.cells(first)] == ["serial", "copy"]
        assert found.statuses(first) == {"failed": 1, "ok": 1}
        assert found.not_allowed(first) == 1
        assert found.environments(first) == ["vm-icount"]
        assert list(found.reasons(first)) == [Reason("failed", "wrong", False, 1, failed.trial)]
        assert list(found.reasons(first, final=False)) == [Reason("crashed", "died", False, 1, crashed.trial)]
        assert [block.host for block in found.blocks(first)] == ["guest-1"]
        assert contents(tmp_path) == rebuilt(tmp_path)


@pytest.mark.parametrize("metrics", [(), ("throughput",)])
def test_reading_trials_takes_one_pass(
    tmp_path: Path, metrics: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    connections: list[sqlite3.Connection] = []
    connect = sqlite3.connect

    def remember(*arguments: Any, **more: Any) -> sqlite3.Connection:
        connections.append(connect(*arguments, **more))
        return connections[-1]

    monkeypatch.setattr(sqlite3, "connect", remember)
    write(folder(tmp_path), [RUN, *(trial(SERIAL, n, throughput=3.0 + n) for n in range(2000)), END])
    steps = 0

    def count() -> int:
        nonlocal steps
        steps += 1
        return 0

    with Store(tmp_path) as found:
        found.sync()
        (row,) = found.runs()
        connections[-1].set_progress_handler(count, 1000)
        assert [len(one.metrics) for one in found.trials(row, metrics)] == [len(metrics)] * 2000
    assert steps < 500  # thousands of sqlite's steps: about 60 for each 1000 trials


def test_only_what_was_appended_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(folder(tmp_path), [RUN, BLOCK, trial(SERIAL)])
    starts = []
    entries = index.entries
    monkeypatch.setattr(
        index, "entries", lambda path, start, left_out: starts.append(start) or entries(path, start)
    )
    with Store(tmp_path) as found:
        found.sync()
        found.sync()
        grown = (folder(tmp_path) / "journal.jsonl").stat().st_size
        write(folder(tmp_path), [trial(SERIAL, 1), trial(COPY), END])
        found.sync()
        assert starts == [0, grown, grown]
        assert contents(tmp_path) == rebuilt(tmp_path)


def test_a_resumed_run_is_not_complete_until_it_ends_again(tmp_path: Path) -> None:
    write(folder(tmp_path), [RUN, END, replace(RUN, resumed=True, time="later")])
    with Store(tmp_path) as found:
        row = found.run(RunFolder(folder(tmp_path)))
        assert (row.complete, row.ended) == (False, "")
        assert row.opening == RUN, "the first record, not the one of the resumption"


@pytest.mark.parametrize("keep", [1, 2, 3])
def test_a_journal_that_was_replaced_is_read_again_from_its_start(tmp_path: Path, keep: int) -> None:
    path = folder(tmp_path) / "journal.jsonl"
    write(folder(tmp_path), [RUN, BLOCK, trial(SERIAL, throughput=1.0), trial(SERIAL, 1)])
    with Store(tmp_path) as found:
        found.sync()
        old = path.read_bytes().splitlines(keepends=True)[:keep]
        path.write_bytes(b"".join(old) + to_line(trial(COPY)) * 1 + to_line(trial(COPY, 1)) + to_line(END))
        found.sync()
        assert contents(tmp_path) == rebuilt(tmp_path)


def test_a_torn_line_enters_when_it_is_whole(tmp_path: Path) -> None:
    path = folder(tmp_path) / "journal.jsonl"
    write(folder(tmp_path), [RUN])
    line = to_line(trial(SERIAL))
    with Store(tmp_path) as found:
        for part in (line[:10], line[10:-1], line[-1:]):
            assert found.statuses(found.run(RunFolder(folder(tmp_path)))) == {}
            with path.open("ab") as stream:
                stream.write(part)
        assert found.statuses(found.run(RunFolder(folder(tmp_path)))) == {"ok": 1}


def test_runs_that_are_gone_leave_the_index(tmp_path: Path) -> None:
    write(folder(tmp_path), [RUN, BLOCK, trial(SERIAL, throughput=1.0)])
    write(folder(tmp_path, 1), [RUN, trial(SERIAL)])
    with Store(tmp_path) as found:
        found.sync()
        (folder(tmp_path) / "journal.jsonl").unlink()
        (folder(tmp_path) / "controller.lock").unlink()
        folder(tmp_path).rmdir()
        found.sync()
        assert [row.id for row in found.runs()] == [IDS[1]]
        assert contents(tmp_path) == rebuilt(tmp_path)


def test_a_journal_that_cannot_be_read_hides_no_other_run(tmp_path: Path) -> None:
    write(folder(tmp_path), [RUN, trial(SERIAL)])
    write(folder(tmp_path, 1), [RUN, trial(SERIAL)])
    path = folder(tmp_path) / "journal.jsonl"
    path.write_bytes(b"?\n" + path.read_bytes())
    with Store(tmp_path) as found:
        (fault,) = found.sync()
        assert fault == f"{path}:1:1: not JSON"
        assert [row.id for row in found.runs()] == [IDS[1]]
        with pytest.raises(BadInput, match=r"journal\.jsonl:1:1"):
            found.run(RunFolder(folder(tmp_path)))


def test_damaged_lines_are_left_out_and_named_once(tmp_path: Path) -> None:
    write(folder(tmp_path), [RUN, trial(SERIAL), trial(COPY), trial(SERIAL, 1)])
    path = folder(tmp_path) / "journal.jsonl"
    first, second, third, fourth = path.read_bytes().splitlines(keepends=True)
    changed = third.replace(b'"repetition":0', b'"repetition":7')
    assert changed != third
    path.write_bytes(first + second + changed + b"?\n" + fourth)
    wrong = "the checksum (crc32) is not that of the line: it was changed after it was written"
    damage = (f"{path}:3:1: {wrong}", f"{path}:4:1: not JSON")
    with Store(tmp_path) as found:
        for _ in range(2):
            assert found.sync() == [f"{line}; left out" for line in damage]
            row = found.run(RunFolder(folder(tmp_path)))
            assert row.damage == damage
            assert found.statuses(row) == {"ok": 2}
    with path.open("ab") as stream:
        stream.write(changed + third + to_line(END))
    with Store(tmp_path) as found:
        row = found.run(RunFolder(folder(tmp_path)))
        assert (row.damage, row.complete) == ((*damage, f"{path}:6:1: {wrong}"), True)
        assert found.statuses(row) == {"ok": 3}


def test_a_second_final_record_is_damage(tmp_path: Path) -> None:
    write(folder(tmp_path), [RUN, trial(SERIAL), trial(SERIAL)])
    with (
        Store(tmp_path) as found,
        pytest.raises(BadInput, match=f"two final records of trial {trial(SERIAL).trial}"),
    ):
        found.run(RunFolder(folder(tmp_path)))


@pytest.mark.parametrize("content", [b"not a database" * 100, b"", None])
def test_a_damaged_empty_or_missing_index_is_rebuilt(tmp_path: Path, content: bytes | None) -> None:
    write(folder(tmp_path), [RUN, trial(SERIAL)])
    path = tmp_path / store.FILE
    if content is not None:
        path.write_bytes(content)
    with Store(tmp_path) as found:
        assert found.sync() == []
        assert contents(tmp_path) == rebuilt(tmp_path)
    assert path.read_bytes().startswith(b"SQLite format 3")


def test_an_index_with_a_damaged_page_is_rebuilt(tmp_path: Path) -> None:
    write(folder(tmp_path), [RUN, BLOCK, *(trial({"mode": str(number)}) for number in range(30)), END])
    with Store(tmp_path) as found:
        found.sync()
    path = tmp_path / store.FILE
    good = path.read_bytes()
    for start in range(0, len(good), 4096):
        path.write_bytes(good[:start] + bytes(4096) + good[start + 4096 :])
        with Store(tmp_path) as found:
            assert found.sync() == []
            assert len(list(found.cells(next(found.runs())))) == 30
            assert contents(tmp_path) == rebuilt(tmp_path)


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE runs SET opening = replace(opening, 'seed', 'sead')",
        "UPDATE runs SET damage = '['",
        "UPDATE runs SET opening = CAST(x'ff' AS TEXT)",
        "ALTER TABLE runs RENAME COLUMN mark TO mork",
        "UPDATE trials SET metrics = '{'",
        "UPDATE blocks SET record = '{}'",
    ],
)
def test_an_index_with_damaged_rows_is_made_anew_at_the_latest_by_the_next_command(
    tmp_path: Path, change: str
) -> None:
    write(folder(tmp_path), [RUN, BLOCK, trial(SERIAL, 0, 3.0), END])
    command = ("report", RUN.experiment, "--results", str(tmp_path))
    shown = orchestrate(*command).stdout
    with closing(sqlite3.connect(tmp_path / store.FILE)) as database:
        database.execute(change)
        database.commit()
    done = orchestrate(*command)
    if done.returncode:
        assert done.stderr == (
            f"orchestrate: {tmp_path / store.FILE}: damaged; removed: the next command makes it anew\n"
        )
        done = orchestrate(*command)
    assert (done.returncode, done.stdout) == (0, shown)
    assert contents(tmp_path) == rebuilt(tmp_path)


def test_an_index_of_another_version_is_rebuilt(tmp_path: Path) -> None:
    write(folder(tmp_path), [RUN, trial(SERIAL)])
    with Store(tmp_path) as found:
        found.sync()
    with closing(sqlite3.connect(tmp_path / store.FILE)) as database:
        database.execute("DROP TABLE missing")
        database.execute(f"PRAGMA user_version = {index.SCHEMA_VERSION + 1}")
    with Store(tmp_path) as found:
        assert found.sync() == []
        assert contents(tmp_path) == rebuilt(tmp_path)


FULL = """
import resource, signal, sys
from pathlib import Path
from orchestrator.results.store import Store
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
with Store(Path(sys.argv[1])) as index:
    resource.setrlimit(resource.RLIMIT_FSIZE, (65536, 65536))
    assert index.sync() == []
    print(len(list(index.runs())), len(list(index.cells(next(index.runs())))))
"""


def test_an_index_that_cannot_be_written_is_replaced_by_a_temporary_one(tmp_path: Path) -> None:
    """As on a full disk: its file cannot grow."""
    write(folder(tmp_path), [RUN, BLOCK, *(trial({"mode": str(number)}) for number in range(300)), END])
    environment = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE_")}
    done = subprocess.run(
        [sys.executable, "-c", FULL, str(tmp_path)],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.stdout, done.stderr, done.returncode) == ("1 300\n", "", 0)


def test_the_index_of_an_unwritable_directory_is_temporary(tmp_path: Path) -> None:
    with Store(tmp_path / "missing") as found:
        assert found.sync() == []
        assert list(found.runs()) == []
    assert list(tmp_path.iterdir()) == []


def test_a_run_from_elsewhere_leaves_no_trace_in_the_index(tmp_path: Path) -> None:
    elsewhere = write(tmp_path / "elsewhere", [RUN, trial(SERIAL)])
    results = tmp_path / "results"
    results.mkdir()
    with open_for(results, RunFolder(elsewhere)) as found:
        assert found.statuses(found.run(RunFolder(elsewhere))) == {"ok": 1}
    assert list(results.iterdir()) == []


def test_moved_results_keep_their_index(tmp_path: Path) -> None:
    write(folder(tmp_path / "a"), [RUN, trial(SERIAL)])
    with Store(tmp_path / "a") as found:
        found.sync()
    (tmp_path / "a").rename(tmp_path / "b")
    with Store(tmp_path / "b") as found:
        (row,) = found.runs()
        assert row.folder == folder(tmp_path / "b")


def test_what_a_benchmark_prints_cannot_harm_the_index(tmp_path: Path) -> None:
    strange = trial(
        {"mode": "x\udcff", "quo'te": "a\0b"},
        reason="bytes \udcfe and a quote '",
        metrics={
            "rate": MetricValue(float("inf"), "1/s"),
            "ok": MetricValue(1e99, "µs\udc80"),
            "huge": MetricValue(1e308, "s"),
        },
        details={
            "verification": {"pages": 2**70, "pages_on_target": -1, "bytes_checked": True, "bytes_wrong": "0"}
        },
        status=Status.FAILED,
    )
    lists = trial({}, 1, details={"verification": [1, 2]})
    write(folder(tmp_path), [RUN, strange, lists])
    with Store(tmp_path) as found:
        row = found.run(RunFolder(folder(tmp_path)))
        assert [reason.reason for reason in found.reasons(row)] == ["bytes ? and a quote '"]
        assert [one.metrics for one in found.trials(row, ["ok", "rate", "huge"])] == [{"ok": 1e99}, {}]
        assert select(tmp_path, "SELECT metrics FROM trials WHERE repetition = 0") == [
            ('{"ok":["µs?",1e99]}',)
        ]
        query = "SELECT pages, pages_on_target, bytes_checked, bytes_wrong FROM trials"
        assert set(select(tmp_path, query)) == {(None,) * 4}


def test_the_verification_of_a_benchmark_is_indexed(tmp_path: Path) -> None:
    write(folder(tmp_path), [RUN, trial(SERIAL)])
    with Store(tmp_path) as found:
        found.sync()
        query = "SELECT pages, pages_on_target, bytes_checked, bytes_wrong FROM trials"
        assert select(tmp_path, query) == [tuple(VERIFICATION.values())]


LOCK = """
import sqlite3, sys, time
database = sqlite3.connect(sys.argv[1], isolation_level=None)
database.execute("BEGIN IMMEDIATE")
print("locked", flush=True)
sys.stdin.readline()
database.execute("COMMIT")
"""


@contextmanager
def locked(path: Path) -> Iterator[IO[str]]:
    """Let another process hold the index until it reads a line."""
    with subprocess.Popen(
        [sys.executable, "-c", LOCK, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdout.readline()
        yield process.stdin


def waits() -> bool:
    return any("waiting for another process" in shown.what for shown in current())


def test_an_index_that_another_process_has_is_waited_for(tmp_path: Path) -> None:
    write(folder(tmp_path), [RUN, END])
    with Store(tmp_path) as found, locked(tmp_path / store.FILE) as release, ThreadPoolExecutor(1) as pool:

        def end_the_wait() -> None:
            while not waits():
                time.sleep(0.01)
            release.write("\n")
            release.flush()

        ended = pool.submit(end_the_wait)
        assert found.sync() == []
        ended.result()
        assert contents(tmp_path) == rebuilt(tmp_path)


def test_the_wait_for_an_index_can_be_interrupted(tmp_path: Path) -> None:
    write(folder(tmp_path), [RUN, END])
    with Store(tmp_path) as found, locked(tmp_path / store.FILE), ThreadPoolExecutor(1) as pool:

        def interrupt() -> None:
            while not waits():
                time.sleep(0.01)
            os.kill(os.getpid(), signal.SIGINT)

        pool.submit(interrupt)
        with pytest.raises(KeyboardInterrupt):
            found.sync()


def test_processes_that_index_at_once_agree(tmp_path: Path) -> None:
    for number in range(5):
        write(folder(tmp_path, number), [RUN, *(trial(SERIAL, k, throughput=1.0) for k in range(200)), END])
    script = (
        "import sys\nfrom pathlib import Path\nfrom orchestrator.results.store import Store\n"
        "with Store(Path(sys.argv[1])) as store:\n    sys.exit(len(store.sync()))\n"
    )
    racers = [subprocess.Popen([sys.executable, "-c", script, tmp_path]) for _ in range(4)]
    assert [racer.wait() for racer in racers] == [0] * 4
    assert contents(tmp_path) == rebuilt(tmp_path)
