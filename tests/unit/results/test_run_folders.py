"""Run directories are created, listed and found."""

from __future__ import annotations

import os
import re
import resource
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from msgspec.structs import replace

from orchestrator.errors import BadInput, HostError
from orchestrator.execution.launch import LOG_FILE, log_to
from orchestrator.experiment.loader import load
from orchestrator.results import manifest, runs
from orchestrator.results.journal import Journal
from orchestrator.results.lock import RunLock
from orchestrator.results.records import EndRecord
from orchestrator.results.runs import RunFolder
from orchestrator.results.store import Store
from tests.run_samples import BLOCK, END, RUN, trial, write


def make(results: Path, *ids: str, experiment: str = "quickstart") -> list[Path]:
    return [write(results / experiment / identity, [RUN, BLOCK]) for identity in ids]


MAKER = """
import sys
from pathlib import Path
from orchestrator.results import runs
run, lock = runs.create(Path(sys.argv[1]), "quickstart")
print(run.id, flush=True)
input()
"""


def create(results: Path, experiment: str) -> RunFolder:
    """Create the directory of a run whose controller has ended."""
    run, lock = runs.create(results, experiment)
    lock.close()
    return run


OLD, MIDDLE, NEW = (f"2026112{day}T101500000Z-0a1b" for day in (1, 2, 3))


def test_ids_sort_by_time_however_fast_they_are_made(tmp_path: Path) -> None:
    made = [create(tmp_path, "quickstart") for _ in range(20)]
    ids = [run.id for run in made]
    assert ids == sorted(ids)
    assert len(set(ids)) == 20
    assert runs.all_runs(tmp_path) == made
    assert all(re.fullmatch(r"\d{8}T\d{9}Z-[0-9a-f]{4}", identity) for identity in ids)


def test_an_experiments_name_cannot_lead_out_of_the_results_folder(tmp_path: Path) -> None:
    for name in ("../up", "..", "a/b", "/etc", ".hidden", "größe × 2"):
        run = create(tmp_path / "results", name)
        assert run.path.parent.parent == tmp_path / "results"
        assert not run.path.parent.name.startswith(".")


def test_an_unwritable_directory_names_the_option(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(HostError, match="--results or ORCHESTRATE_RESULTS"):
        create(tmp_path / "file", "quickstart")


def test_only_run_folders_are_runs(tmp_path: Path) -> None:
    make(tmp_path, OLD)
    (tmp_path / "reference").mkdir()
    (tmp_path / "reference" / "README.md").write_text("published figures")
    (tmp_path / "index.sqlite").write_text("")
    (tmp_path / "quickstart" / NEW).write_text("a file")
    assert [run.id for run in runs.all_runs(tmp_path)] == [OLD]


def test_a_run_is_found_by_id_prefix_folder_and_latest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make(tmp_path, OLD, NEW)
    make(tmp_path, MIDDLE, experiment="other")
    assert runs.find(tmp_path, OLD).id == OLD
    assert runs.find(tmp_path, "20261122").path == tmp_path / "other" / MIDDLE
    assert runs.find(tmp_path, "latest").id == NEW
    assert runs.find(tmp_path / "nowhere", str(tmp_path / "other" / MIDDLE)).id == MIDDLE
    monkeypatch.chdir(tmp_path / "other")
    assert runs.find(tmp_path / "nowhere", MIDDLE).path == tmp_path / "other" / MIDDLE


def test_a_folder_of_any_name_is_a_run_if_it_has_a_journal(tmp_path: Path) -> None:
    folder = write(tmp_path / "copied from elsewhere", [RUN])
    assert runs.find(tmp_path, str(folder)).path == folder


def test_a_prefix_of_several_names_them(tmp_path: Path) -> None:
    make(tmp_path, OLD, MIDDLE, NEW, "20261124T101500000Z-0a1b")
    with pytest.raises(
        BadInput, match=rf"ambiguous run id '2026112': it matches {OLD}, {MIDDLE}, {NEW} and 1 more"
    ):
        runs.find(tmp_path, "2026112")


def test_an_unknown_run_names_the_nearest(tmp_path: Path) -> None:
    make(tmp_path, OLD, MIDDLE)
    with pytest.raises(BadInput, match=rf"did you mean {MIDDLE}") as caught:
        runs.find(tmp_path, MIDDLE[:-1] + "c")
    assert caught.value.exit_code == 2
    with pytest.raises(BadInput, match=rf"run 'zzz' not found in .*; the newest: {MIDDLE}, {OLD} \("):
        runs.find(tmp_path, "zzz")
    with pytest.raises(BadInput, match="the newest"):
        runs.find(tmp_path, "")


def test_without_runs_the_error_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="orchestrate run"):
        runs.find(tmp_path, "latest")


def test_the_run_to_resume_is_the_newest_of_the_same_scope(tmp_path: Path) -> None:
    same = RUN.scope
    assert runs.unfinished(tmp_path, "quickstart", same) is None
    first, second, third = (create(tmp_path, "quickstart") for _ in range(3))
    assert runs.unfinished(tmp_path, "quickstart", same) is None, "nothing began in them"
    write(first.path, [RUN, BLOCK, trial({})])
    assert runs.unfinished(tmp_path, "quickstart", same) == first
    assert runs.unfinished(tmp_path, "quickstart", "another") is None
    assert runs.unfinished(tmp_path, "another", same) is None
    write(second.path, [RUN, EndRecord(False, "interrupted", END.time)])
    write(third.path, [replace(RUN, scope="another")])
    assert runs.unfinished(tmp_path, "quickstart", same) == second
    write(second.path, [replace(RUN, resumed=True), END])
    assert runs.unfinished(tmp_path, "quickstart", same) is None, "the newest is complete"


def test_a_torn_last_line_hides_no_unfinished_run(tmp_path: Path) -> None:
    run = create(tmp_path, "quickstart")
    write(run.path, [RUN, BLOCK])
    with run.journal.open("ab") as stream:
        stream.write(b'{"format":1,"type":"en')
    assert runs.unfinished(tmp_path, "quickstart", RUN.scope) == run


def test_a_damaged_run_does_not_block_a_new_one(tmp_path: Path) -> None:
    run = create(tmp_path, "quickstart")
    run.journal.write_bytes(b"?\n?\n")
    assert runs.unfinished(tmp_path, "quickstart", RUN.scope) is None


def test_a_locked_run_is_found(tmp_path: Path) -> None:
    run = create(tmp_path, "quickstart")
    with Journal(run.path) as journal:
        journal.append(RUN)
        assert runs.unfinished(tmp_path, "quickstart", RUN.scope) == run


def test_latest_passes_over_runs_that_never_reached_a_host(tmp_path: Path) -> None:
    reached, refused = (create(tmp_path, "quickstart") for _ in range(2))
    write(refused.path, [RUN, EndRecord(False, "nothing answers", END.time)])
    assert runs.find(tmp_path, "latest") == refused, "where there is no other"
    write(reached.path, [RUN, BLOCK])
    assert runs.find(tmp_path, "latest") == reached


def test_the_name_of_an_experiment_is_its_newest_run(tmp_path: Path) -> None:
    make(tmp_path, OLD, MIDDLE)
    make(tmp_path, NEW, experiment="quicksort")
    make(tmp_path, NEW.replace("0a1b", "ffff"), experiment="quick")
    write(tmp_path / "quickstart" / NEW.replace("0a1b", "0000"), [RUN])  # reached no host
    for reference, expected in {
        "quickstart": ("quickstart", MIDDLE),
        "quickst": ("quickstart", MIDDLE),
        "quicks": None,
        "quickso": ("quicksort", NEW),
        "quick": ("quick", NEW.replace("0a1b", "ffff")),
    }.items():
        if expected is None:
            with pytest.raises(
                BadInput, match=r"ambiguous experiment 'quicks': it matches quick.*, quick.*; type"
            ):
                runs.find(tmp_path, reference)
        else:
            found = runs.find(tmp_path, reference)
            assert (found.path.parent.name, found.id) == expected
    with pytest.raises(BadInput, match=r"run 'quickstrat' not found in .*; did you mean quickstart"):
        runs.find(tmp_path, "quickstrat")


def test_a_path_is_not_taken_for_a_name(tmp_path: Path) -> None:
    make(tmp_path, OLD)
    (tmp_path / "empty").mkdir()
    for path, reason in (
        (tmp_path / "nosuch", "No such file or directory"),
        (tmp_path / "empty", "not a run: it has no journal.jsonl"),
        (tmp_path, f"a directory of runs, not a run; use --results {tmp_path}"),
    ):
        with pytest.raises(BadInput, match=f"^{path}: {reason}$"):
            runs.find(tmp_path, str(path))


def test_a_prefix_of_an_id_and_of_an_experiment_is_ambiguous(tmp_path: Path) -> None:
    make(tmp_path, OLD, experiment="2mib-pages")
    with pytest.raises(BadInput, match=f"ambiguous run '2': it matches 2mib-pages, {OLD}; type more of it"):
        runs.find(tmp_path, "2")
    assert runs.find(tmp_path, "2m").id == runs.find(tmp_path, "20").id == OLD


def test_a_fifo_is_written_by_no_run(tmp_path: Path) -> None:
    for name in ("journal.jsonl", LOG_FILE):
        os.mkfifo(tmp_path / name)
    with pytest.raises(HostError, match=r"journal\.jsonl: Not a regular file"):
        Journal(tmp_path)
    with pytest.raises(HostError, match=r"orchestrate\.log: Not a regular file"), log_to(tmp_path / LOG_FILE):
        pass


def test_what_a_run_writes_is_only_for_its_owner(tmp_path: Path) -> None:
    file = tmp_path / "e.yaml"
    file.write_text("version: 1\nbenchmark: {command: [x], metrics: {x: {key_value: x, unit: count}}}\n")
    umask = os.umask(0)
    try:
        run = create(tmp_path, "quickstart")
        write(run.path, [RUN, BLOCK])
        manifest.save(run.path, manifest.begin(load(file), run.id, (), ()))
        with log_to(run.path / LOG_FILE), Store(tmp_path) as store:
            store.sync()
    finally:
        os.umask(umask)
    modes = {
        path.name: path.stat().st_mode & 0o777 for path in (tmp_path / "index.sqlite", *run.path.iterdir())
    }
    assert modes.keys() == {
        "index.sqlite",
        "journal.jsonl",
        "manifest.json",
        "controller.lock",
        "orchestrate.log",
    }
    assert set(modes.values()) == {0o600}
    assert run.path.stat().st_mode & 0o777 == 0o700


def test_runs_whose_controller_was_killed_before_its_first_record_are_removed(tmp_path: Path) -> None:
    names = ("quickstart", "quickstart", "quickstart", "quickstart", "quickstart", "other")
    killed, again, elsewhere, begun, ended, other = (create(tmp_path, name) for name in names)
    gone = subprocess.Popen(["true"])
    gone.wait()
    line = f"process {gone.pid} on {socket.gethostname()}\n"
    write(begun.path, [RUN])
    for run in (killed, elsewhere, begun, other):
        (run.path / "controller.lock").write_text(line)
    (killed.path / "journal.jsonl").write_text('{"format":2,"ty')
    (elsewhere.path / "controller.lock").write_text(f"process {gone.pid} on another\n")
    # The number of the one that was killed is that of another process now.
    (again.path / "controller.lock").write_text(f"process {os.getpid()} on {socket.gethostname()}\n")
    runs.remove_abandoned(tmp_path, "quickstart")
    # Two runs of different experiments may begin in the same millisecond.
    assert sorted(run.path for run in runs.all_runs(tmp_path)) == sorted(
        run.path for run in (elsewhere, begun, ended, other)
    )


def test_a_run_that_a_process_has_made_that_cannot_be_seen_is_left(tmp_path: Path) -> None:
    """As in a container of the same host name, or with /proc mounted hidepid."""
    run, lock = runs.create(tmp_path, "quickstart")
    gone = subprocess.Popen(["true"])
    gone.wait()
    (run.path / "controller.lock").write_text(f"process {gone.pid} on {socket.gethostname()}\n")
    runs.remove_abandoned(tmp_path, "quickstart")
    assert runs.all_runs(tmp_path) == [run]
    with pytest.raises(BadInput, match=f"locked by process {gone.pid} on "):
        Journal(run.path)
    with Journal(run.path, lock) as journal:
        journal.append(RUN)
    RunLock(run.path).close()


def test_a_run_is_removed_once_its_controller_is_killed(tmp_path: Path) -> None:
    maker = subprocess.Popen(
        [sys.executable, "-c", MAKER, tmp_path], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert maker.stdout is not None
    identity = maker.stdout.readline().strip()
    runs.remove_abandoned(tmp_path, "quickstart")
    assert [run.id for run in runs.all_runs(tmp_path)] == [identity]
    maker.kill()
    maker.communicate()
    runs.remove_abandoned(tmp_path, "quickstart")
    assert not list(tmp_path.iterdir())


@contextmanager
def full_disk() -> Iterator[None]:
    """Nothing can be written into files, as the limit on their size is 0."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize("start", [runs.create, runs.check_writable])
def test_a_run_that_cannot_be_written_leaves_no_directory(
    tmp_path: Path, start: Callable[[Path, str], object]
) -> None:
    results = tmp_path / "results"
    named = pytest.raises(HostError, match=rf"^{results}/quickstart/.*/controller\.lock: File too large; ")
    with full_disk(), named:
        start(results, "quickstart")
    assert not results.exists()


def test_a_run_to_resume_whose_lock_cannot_be_written_names_it(tmp_path: Path) -> None:
    folder = write(tmp_path / "run", [RUN])
    with full_disk(), pytest.raises(HostError, match=rf"^{folder}/controller\.lock: File too large; "):
        Journal(folder)
    with Journal(folder) as journal:
        assert list(journal.records()) == [RUN]
