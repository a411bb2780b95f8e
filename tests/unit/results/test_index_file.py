"""The file of the index: damaged, of another version, locked, or where it cannot be written."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path
from typing import IO

import pytest

from orchestrator.activities import current
from orchestrator.results import index, store
from orchestrator.results.runs import RunFolder
from orchestrator.results.store import Store, open_for
from tests.calls import orchestrate
from tests.index_contents import contents, folder, rebuilt
from tests.run_samples import BLOCK, END, RUN, trial, write

SERIAL = {"mode": "serial"}
PATIENCE_S = 60.0
"""Guards against hanging; nothing is tested against it."""


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


def until_it_waits() -> None:
    end = time.monotonic() + PATIENCE_S
    while not any("waiting for another process" in shown.what for shown in current()):
        assert time.monotonic() < end, "nobody waits for the index"
        time.sleep(0.01)


def test_an_index_that_another_process_has_is_waited_for(tmp_path: Path) -> None:
    write(folder(tmp_path), [RUN, END])
    with Store(tmp_path) as found, locked(tmp_path / store.FILE) as release, ThreadPoolExecutor(1) as pool:

        def end_the_wait() -> None:
            until_it_waits()
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
            until_it_waits()
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
