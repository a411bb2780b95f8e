"""The index agrees with the journals, however it was made."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from orchestrator.errors import BadInput
from orchestrator.experiment.model import Status
from orchestrator.results import index
from orchestrator.results.codec import to_line
from orchestrator.results.records import MetricValue
from orchestrator.results.runs import RunFolder
from orchestrator.results.store import Reason, Store
from tests.index_contents import IDS, contents, folder, rebuilt, select
from tests.run_samples import BLOCK, END, RUN, VERIFICATION, trial, write

SERIAL, COPY = {"mode": "serial"}, {"mode": "copy"}


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
    write(folder(tmp_path), [replace(RUN, trials=3), trial(SERIAL), trial(COPY), trial(SERIAL, 1)])
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
        stream.write(to_line(END))
    with Store(tmp_path) as found:
        assert not found.run(RunFolder(folder(tmp_path))).complete, "a trial is missing"
    with path.open("ab") as stream:
        stream.write(changed + third + to_line(END))
    with Store(tmp_path) as found:
        row = found.run(RunFolder(folder(tmp_path)))
        assert (row.damage, row.complete) == ((*damage, f"{path}:7:1: {wrong}"), True)
        assert found.statuses(row) == {"ok": 3}


def test_a_second_final_record_is_damage(tmp_path: Path) -> None:
    write(folder(tmp_path), [RUN, trial(SERIAL), trial(SERIAL)])
    with (
        Store(tmp_path) as found,
        pytest.raises(BadInput, match=f"two final records of trial {trial(SERIAL).trial}"),
    ):
        found.run(RunFolder(folder(tmp_path)))


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
