"""``orchestrate results rm`` and ``prune`` remove runs, and nothing else."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from orchestrator.results.store import Store
from tests.calls import orchestrate
from tests.run_samples import BLOCK, END, RUN, write

HOLDER = """
import sys
from pathlib import Path
from orchestrator.results.lock import RunLock
lock = RunLock(Path(sys.argv[1]))
print("held", flush=True)
input()
"""
IN_A_PROCESS = [sys.executable, "-c", "from orchestrator.cli import main; main()"]


def identity(days: float, suffix: str = "aaaa") -> str:
    return f"{datetime.now(UTC) - timedelta(days=days):%Y%m%dT%H%M%S%f}"[:-3] + f"Z-{suffix}"


@pytest.fixture
def results(tmp_path: Path) -> Path:
    """Experiment ``a``: three complete runs and an interrupted one, ``b``: one complete run."""
    folder = tmp_path / "results"
    for days, last in ((40, END), (31, None), (20, END), (0.1, END)):
        write(folder / "a" / identity(days), [RUN, BLOCK, *([last] if last else [])])
    write(folder / "b" / identity(50), [RUN, BLOCK, END])
    with Store(folder) as store:
        assert not store.sync()
    return folder


def left(results: Path) -> list[int]:
    """The ages of the runs in days; the index has the same."""
    names = sorted(path.name for path in results.glob("*/*"))
    with Store(results) as store:
        assert [run.id for run in store.runs()] == names
    now = datetime.now(UTC).replace(tzinfo=None)
    return [round((now - datetime.strptime(name[:18], "%Y%m%dT%H%M%S%f")).days) for name in names]


def run(results: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return orchestrate("results", *words, "--results", str(results))


@contextmanager
def active(folder: Path) -> Iterator[int]:
    """Another process holds the lock of a run."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout
        assert process.stdout.readline() == "held\n"
        yield process.pid
        process.communicate("\n")


@pytest.mark.parametrize(
    ("options", "ages"),
    [
        (("--keep", "1"), [50, 0]),
        (("--keep", "2"), [50, 20, 0]),
        (("--older-than", "35d"), [31, 20, 0]),
        (("--unfinished",), [50, 40, 20, 0]),
        (("--unfinished", "--older-than", "32d"), [50, 40, 31, 20, 0]),
        (("--older-than", "10d", "--keep", "2"), [50, 20, 0]),
        (("--keep", "0"), []),
    ],
)
def test_prune_removes_what_fulfils_all_conditions(
    results: Path, options: tuple[str, ...], ages: list[int]
) -> None:
    shown = run(results, "prune", *options, "-n")
    assert shown.stdout.count("would remove ") == 5 - len(ages)
    assert left(results) == [50, 40, 31, 20, 0]
    removed = run(results, "prune", *options)
    assert removed.returncode == 0
    assert removed.stdout == shown.stdout.replace("would remove", "removed")
    assert left(results) == ages
    assert (results / "b").exists() == (50 in ages), "the directory of an experiment goes with its last run"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda line: line.partition(b',"crc32"')[0].replace(b'"format":2', b'"format":99') + b"}\n",
            "format 99 is newer",
        ),
        (
            lambda line: line.replace(b'"complete"', b'"complte"'),
            "the checksum (crc32) is not that of the line",
        ),
        (lambda line: line.replace(b"{", b"?"), "not JSON"),
    ],
)
def test_a_run_whose_last_line_cannot_be_read_is_kept(
    results: Path, change: Callable[[bytes], bytes], message: str
) -> None:
    folder = next(results.glob("b/*"))
    journal = folder / "journal.jsonl"
    *before, last = journal.read_bytes().splitlines(keepends=True)
    journal.write_bytes(b"".join(before) + change(last))
    pruned = run(results, "prune", "--unfinished", "--older-than", "35d")
    assert (pruned.returncode, pruned.stdout) == (0, "")
    warning, end = pruned.stderr.splitlines()
    assert warning.startswith(f"orchestrate: {journal}:3:1: ")
    assert message in warning
    assert warning.endswith("; the run is kept")
    assert end == "nothing to remove"
    assert ", unreadable, " in run(results, "rm", "b", "-n").stdout
    journal.write_bytes(b"".join(before) + last[:-5])  # as a killed controller leaves it
    assert run(results, "prune", "--unfinished", "--older-than", "35d").stdout.startswith("removed b/")


def test_rm_removes_the_runs_that_are_named(results: Path) -> None:
    refused = run(results, "rm", "b", "latest")
    assert (refused.returncode, refused.stdout) == (2, "")
    assert left(results) == [50, 40, 31, 20, 0]
    newest = max(results.glob("*/*"), key=lambda folder: folder.name)
    assert run(results, "rm", "b", newest.name).returncode == 0
    assert left(results) == [40, 31, 20]
    assert run(results, "rm", "nothing").returncode == 2
    assert run(results, "prune").stderr.endswith("give --keep, --older-than or --unfinished\n")
    assert run(results, "prune", "--older-than", "3 moons").stderr.startswith("orchestrate: --older-than: ")


def test_a_directory_with_the_name_of_no_time_is_no_run(results: Path) -> None:
    folder = results / "x" / "99999999T999999999Z-0000"
    folder.mkdir(parents=True)
    assert run(results, "prune", "--older-than", "35d").stdout.count("removed") == 2
    assert run(results, "list").stderr == ""
    assert folder.is_dir()


@pytest.mark.parametrize("number", ["30", "0", "1.5"])
def test_an_age_needs_a_unit(results: Path, number: str) -> None:
    refused = run(results, "prune", "--older-than", number)
    assert (refused.returncode, refused.stdout, refused.stderr) == (
        2,
        "",
        f"orchestrate: --older-than: duration '{number}' has no unit; known: ns, us, ms, s, min, h, d\n",
    )
    assert left(results) == [50, 40, 31, 20, 0]


def test_a_run_that_is_active_is_kept_and_listed_as_running(results: Path) -> None:
    folder = sorted(results.glob("a/*"))[1]
    with active(folder) as process:
        lines = run(results, "list").stdout.splitlines()[2:]
        states = [line.rpartition("  ")[2].strip() for line in lines]
        assert states == [
            "complete",
            "complete",
            f"running: {process} on {socket.gethostname()}",
            *["complete"] * 2,
        ]
        refused = run(results, "rm", folder.name, "b")
        assert (refused.returncode, refused.stdout) == (2, "")
        assert refused.stderr == (
            f"orchestrate: {folder}: the run is active: process {process} on {socket.gethostname()}\n"
        )
        assert run(results, "prune", "--unfinished").stderr == "nothing to remove\n"
    assert left(results) == [50, 40, 31, 20, 0]
    assert [line.split()[-1] for line in run(results, "list").stdout.splitlines()[2:]][2] == "interrupted"


def test_links_and_other_directories_are_not_followed(results: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    outside = write(elsewhere / "c" / identity(60, "cccc"), [RUN, BLOCK, END])
    (results / "c").symlink_to(elsewhere / "c")
    inside = next(results.glob("b/*"))
    linked = results / "b" / identity(61, "dddd")
    linked.symlink_to(outside)
    (inside / "link").symlink_to(elsewhere)
    for reference in (outside.name, linked.name, str(outside), str(results / "c" / outside.name)):
        refused = run(results, "rm", reference)
        assert (refused.returncode, refused.stdout, refused.stderr.count("\n")) == (2, "", 1), reference
    assert run(results, "prune", "--keep", "0").returncode == 0
    assert (outside / "journal.jsonl").exists()
    assert linked.is_symlink()
    assert not inside.exists()


def answered(answer: str, *words: str) -> subprocess.CompletedProcess[str]:
    """``orchestrate results`` on a terminal, whose user gives an answer."""
    terminal, end = os.openpty()
    os.write(terminal, f"{answer}\n".encode())
    ended = subprocess.run(
        [*IN_A_PROCESS, "results", *words], stdin=end, capture_output=True, text=True, check=True
    )
    os.close(terminal)
    os.close(end)
    return ended


@pytest.mark.parametrize(("answer", "ages"), [("n", [50, 40, 31, 20, 0]), ("y", [50, 40, 20, 0])])
def test_on_a_terminal_it_asks(results: Path, answer: str, ages: list[int]) -> None:
    ended = answered(answer, "prune", "--unfinished", "--results", str(results))
    assert "Remove 1 run? [y/N]" in ended.stderr
    assert left(results) == ages


def test_a_run_that_becomes_active_after_the_question_is_kept(results: Path) -> None:
    first = next(results.glob("b/*"))
    terminal, end = os.openpty()
    words = [*IN_A_PROCESS, "results", "prune", "--older-than", "35d", "--results", str(results)]
    with subprocess.Popen(words, stdin=end, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stderr
        assert process.stdout
        asked = b""
        while not asked.endswith(b"Remove 2 runs? [y/N]: "):
            asked += process.stderr.read(1)
        with active(first) as holder:
            os.write(terminal, b"y\n")
            removed, told = process.stdout.read().decode(), process.stderr.read().decode()
    os.close(terminal)
    os.close(end)
    assert process.returncode == 0
    assert [line.partition("/")[0] for line in removed.splitlines()][2:] == ["removed a"]
    assert told.strip() == (
        f"orchestrate: {first}: the run is active: process {holder} on {socket.gethostname()}; the run is kept"
    )
    assert left(results) == [50, 31, 20, 0]


@contextmanager
def undeletable(folder: Path) -> Iterator[Path]:
    """A file in a directory that nobody can delete: root may delete all but immutable files."""
    inner = folder / "inner"
    inner.mkdir()
    file = inner / "file"
    file.touch()
    inner.chmod(0o500)
    is_root = os.geteuid() == 0
    if is_root and (
        not shutil.which("chattr") or subprocess.run(["chattr", "+i", file], capture_output=True).returncode
    ):
        pytest.skip("no immutable files here")
    try:
        yield file
    finally:
        for left_over in folder.parent.glob("*/inner"):
            if is_root:
                subprocess.run(["chattr", "-i", left_over / "file"], check=True)
            left_over.chmod(0o700)


def test_a_run_is_listed_whole_or_not_at_all(results: Path) -> None:
    folder = sorted(results.glob("a/*"))[0]
    aside = folder.with_name(f".removed-{folder.name}")
    with undeletable(folder):
        removed = run(results, "prune", "--older-than", "10d")
        assert removed.returncode == 3
        assert [line.partition("/")[0] for line in removed.stdout.splitlines()] == [
            "removed b",
            "removed a",
            "removed a",
        ]
        assert re.fullmatch(
            rf"orchestrate: {folder}: removed in part: file: (Operation not permitted|Permission denied); "
            rf"the rest is in {aside}\n",
            removed.stderr,
        )
        assert not folder.exists()
        assert len(run(results, "list").stdout.splitlines()) == 3
        again = run(results, "prune", "--keep", "1")
        assert (again.returncode, again.stdout) == (3, "")
        assert again.stderr == removed.stderr
    planned = run(results, "prune", "--keep", "1", "--dry-run").stdout
    assert planned == f"would remove the rest of a/{folder.name}\n"
    assert aside.exists()
    assert run(results, "prune", "--keep", "1").stdout == f"removed the rest of a/{folder.name}\n"
    assert not aside.exists()


def test_what_a_killed_removal_has_left_is_removed_by_the_next(results: Path) -> None:
    (folder,) = results.glob("b/*")
    aside = folder.with_name(f".removed-{folder.name}")
    folder.rename(aside)
    kept = sorted(results.glob("a/*"))
    removed = run(results, "rm", kept[0].name)
    assert removed.stdout.splitlines()[0] == f"removed the rest of b/{folder.name}"
    assert not (results / "b").exists()
    assert left(results) == [31, 20, 0]


def test_what_a_removal_has_left_is_removed_after_the_question(results: Path) -> None:
    (folder,) = results.glob("b/*")
    aside = folder.with_name(f".removed-{folder.name}")
    folder.rename(aside)
    for answer in "ny":
        ended = answered(answer, "prune", "--older-than", "35d", "--results", str(results))
        assert "Remove 2 runs? [y/N]" in ended.stderr
        assert aside.exists() == (answer == "n")


@pytest.mark.parametrize("link", ["experiment", "run"])
def test_what_is_reached_by_a_link_or_is_no_run_is_not_taken_for_a_rest(
    results: Path, tmp_path: Path, link: str
) -> None:
    elsewhere = tmp_path / "elsewhere"
    precious = elsewhere / f".removed-{identity(1)}" / "file"
    precious.parent.mkdir(parents=True)
    precious.touch()
    if link == "experiment":
        (results / "c").symlink_to(elsewhere)
    else:
        (results / "a" / precious.parent.name).symlink_to(precious.parent)
    other = results / "a" / ".removed-by-me"
    other.mkdir()
    assert run(results, "prune", "--keep", "9").stderr == "nothing to remove\n"
    assert precious.exists()
    assert other.exists()
