"""The journal keeps every acknowledged record, however its writer ends."""

from __future__ import annotations

import os
import random
import re
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from orchestrator.errors import BadInput, HostError
from orchestrator.results.codec import to_line
from orchestrator.results.journal import Journal, entries, last_record, read
from orchestrator.results.records import TrialRecord
from tests.run_samples import BLOCK, END, RUN, trial, write

CHECKSUM_NAME = re.compile(rb'"crc32":"')

WRITER = """
import sys
from pathlib import Path
from orchestrator.results.journal import Journal
sys.path.insert(0, sys.argv[2])
from tests.run_samples import trial
with Journal(Path(sys.argv[1])) as journal:
    done = sum(1 for _ in journal.records())
    print("open", flush=True)
    for number in range(done, done + 100000):
        journal.append(trial({"mode": "serial"}, number, details="x" * (number * 977 % 9000)))
        print(number, flush=True)
"""


def start_writer(folder: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", WRITER, str(folder), str(Path(__file__).parents[3])]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def kill(process: subprocess.Popen[str]) -> list[str]:
    """End the process at once; return the lines it had printed and that were not read yet."""
    process.send_signal(signal.SIGKILL)
    assert process.stdout is not None
    with process.stdout:
        lines = process.stdout.read().split("\n")[:-1]
    process.wait()
    return lines


def test_what_is_written_is_read_in_order(tmp_path: Path) -> None:
    records = [RUN, BLOCK, trial({"mode": "serial"}), trial({"mode": "copy"}, final=False), END]
    write(tmp_path, records)
    assert list(read(tmp_path / "journal.jsonl")) == records
    assert last_record(tmp_path / "journal.jsonl") == END


def test_finished_and_attempts_are_kept_apart(tmp_path: Path) -> None:
    first, second = trial({"mode": "serial"}), trial({"mode": "copy"})
    crashed = trial({"mode": "copy"}, final=False)
    write(tmp_path, [RUN, BLOCK, first, crashed, crashed, second])
    with Journal(tmp_path) as journal:
        trials = [record for record in journal.records() if isinstance(record, TrialRecord)]
        assert [record.trial for record in trials if record.final] == [first.trial, second.trial]
        assert [record.trial for record in trials if not record.final] == [second.trial] * 2
        assert journal.cut == 0


def test_a_resumed_run_appends(tmp_path: Path) -> None:
    write(tmp_path, [RUN, BLOCK])
    write(tmp_path, [trial({})])
    assert list(read(tmp_path / "journal.jsonl")) == [RUN, BLOCK, trial({})]


def test_a_last_line_damaged_at_any_byte_is_skipped_and_truncated(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    whole = to_line(RUN) + to_line(BLOCK)
    last = to_line(trial({"mode": "serial"}, throughput=3.25))
    for length in range(len(last)):
        path.write_bytes(whole + last[:length])
        assert list(read(path)) == [RUN, BLOCK]
        assert last_record(path) == BLOCK
        with Journal(tmp_path) as journal:
            assert journal.cut == length
            journal.append(END)
        assert path.read_bytes() == whole + to_line(END)


def test_zeros_of_a_power_cut_are_truncated(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    last = to_line(trial({"mode": "serial"}))
    for length in range(1, len(last), 7):
        for tail in (bytes(length), bytes(length) + last[length:]):
            path.write_bytes(to_line(RUN) + tail)
            assert list(read(path)) == [RUN]
            with Journal(tmp_path) as journal:
                assert journal.cut == len(tail)
            assert path.read_bytes() == to_line(RUN)


def test_a_first_line_that_is_torn_leaves_an_empty_journal(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    path.write_bytes(to_line(RUN)[:-1])
    assert last_record(path) is None
    with Journal(tmp_path) as journal:
        assert list(journal.records()) == []
    assert path.read_bytes() == b""


@pytest.mark.parametrize("damage", [b"{", b"\0", b"\n", b"[1]\n", b'{"format":2}\n'])
def test_damage_before_the_last_line_names_file_and_line(tmp_path: Path, damage: bytes) -> None:
    path = tmp_path / "journal.jsonl"
    path.write_bytes(to_line(RUN) + to_line(BLOCK) + damage + to_line(trial({})) + to_line(END))
    with pytest.raises(BadInput, match=rf"{path}:3:1: "):
        list(read(path))


def test_the_line_is_named_also_when_reading_begins_later(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    path.write_bytes(to_line(RUN) + to_line(BLOCK) + b"?\n" + to_line(END))
    with pytest.raises(BadInput, match=rf"{path}:3:1: not JSON"):
        list(entries(path, len(to_line(RUN))))


def test_a_record_of_a_newer_version_is_refused_and_nothing_is_truncated(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    newer = to_line(RUN).replace(b'"format":2', b'"format":3').partition(b',"crc32"')[0] + b"}\n"
    path.write_bytes(newer + b"not of this format at all")
    with pytest.raises(BadInput, match=r"journal.jsonl:1:1: format 3 is newer"):
        Journal(tmp_path)
    assert path.read_bytes() == newer + b"not of this format at all"
    path.write_bytes(to_line(RUN) + newer)
    with pytest.raises(BadInput, match=r"journal.jsonl:2:1: format 3 is newer"):
        last_record(path)


def test_a_missing_journal_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"No such file.* a run is a directory that contains journal\.jsonl"):
        list(read(tmp_path / "journal.jsonl"))


def test_a_long_last_line_is_found_from_the_end(tmp_path: Path) -> None:
    long = trial({}, details="x" * 1_000_000)
    write(tmp_path, [RUN, long])
    assert last_record(tmp_path / "journal.jsonl") == long


def test_a_full_disk_leaves_no_half_line_and_no_part_of_what_is_written_at_once(tmp_path: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    with Journal(tmp_path) as journal:
        journal.append(RUN)
        size = journal.path.stat().st_size
        fits_one = size + len(to_line(trial({}))) + 100
        resource.setrlimit(resource.RLIMIT_FSIZE, (fits_one, hard))
        try:
            with pytest.raises(HostError, match="resume the run when it can be written"):
                journal.append(trial({}), trial({}, 1))
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        assert journal.path.stat().st_size == size
        journal.append(trial({}), trial({}, 1))
    assert list(read(journal.path)) == [RUN, trial({}), trial({}, 1)]


def test_a_second_controller_is_refused_with_the_holder_of_the_lock(tmp_path: Path) -> None:
    writer = start_writer(tmp_path)
    try:
        assert writer.stdout is not None
        assert writer.stdout.readline() == "open\n"
        with pytest.raises(BadInput, match=rf"locked by process {writer.pid} on \S+; wait"):
            Journal(tmp_path)
        assert list(read(tmp_path / "journal.jsonl")) is not None, "readers are not kept out"
    finally:
        kill(writer)
    with Journal(tmp_path):
        pass


def test_the_same_process_cannot_hold_a_run_twice(tmp_path: Path) -> None:
    with Journal(tmp_path), pytest.raises(BadInput, match=f"process {os.getpid()}"):
        Journal(tmp_path)
    with Journal(tmp_path), pytest.raises(BadInput):
        Journal(tmp_path)


@pytest.mark.slow
def test_of_two_processes_that_race_exactly_one_writes(tmp_path: Path) -> None:
    for attempt in range(5):
        folder = tmp_path / str(attempt)
        folder.mkdir()
        racers = [start_writer(folder) for _ in range(3)]
        try:
            firsts = [racer.stdout.readline() for racer in racers if racer.stdout is not None]
            assert sorted(firsts) == ["", "", "open\n"]
        finally:
            for racer in racers:
                kill(racer)
        numbers = [r.repetition for r in read(folder / "journal.jsonl") if hasattr(r, "repetition")]
        assert numbers == list(range(len(numbers)))


@pytest.mark.slow
def test_killed_at_random_times_nothing_acknowledged_is_lost(tmp_path: Path) -> None:
    chance = random.Random(20261123)
    before = acknowledged = 0
    for _ in range(12):
        writer = start_writer(tmp_path)
        assert writer.stdout is not None
        assert writer.stdout.readline() == "open\n"
        time.sleep(chance.uniform(0, 0.05))
        printed = len(kill(writer))
        with Journal(tmp_path) as journal:
            found = [record.repetition for record in journal.records() if hasattr(record, "repetition")]
            assert found == list(range(len(found))), "each once, in order"
            assert before + printed <= len(found) <= before + printed + 1
            assert len(
                {record.trial for record in journal.records() if isinstance(record, TrialRecord)}
            ) == len(found)
        before = len(found)
        acknowledged += printed
    assert acknowledged > 0


@pytest.mark.parametrize("seed", range(5))
def test_a_flipped_bit_is_noticed_in_each_line(tmp_path: Path, seed: int) -> None:
    write(tmp_path, [RUN, BLOCK, trial({"mode": "serial"}), END])
    path = tmp_path / "journal.jsonl"
    content = path.read_bytes()
    chance = random.Random(seed)
    for _ in range(200):
        damaged = bytearray(content)
        place = chance.randrange(content.rindex(b"\n", 0, -1))
        damaged[place] ^= 1 << chance.randrange(8)
        path.write_bytes(damaged)
        if CHECKSUM_NAME.search(content, place - 8, place + 9):
            continue  # the name of the checksum itself: the record is as it was
        with pytest.raises(BadInput, match=r"journal.jsonl:\d+:1: "):
            list(read(path))


def test_lines_of_older_versions_have_no_checksum(tmp_path: Path) -> None:
    write(tmp_path, [RUN, END])
    path = tmp_path / "journal.jsonl"
    path.write_bytes(re.sub(rb',"crc32":"\w+"', b"", path.read_bytes()))
    assert list(read(path)) == [RUN, END]


def test_a_line_that_has_lost_its_checksum_is_damaged(tmp_path: Path) -> None:
    """Its name was changed with the rest: the lines before it tell that it must have had one."""
    write(tmp_path, [RUN, trial({}), END])
    path = tmp_path / "journal.jsonl"
    first, second, third = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(
        first + second.replace(b"crc32", b"crc33").replace(b'"repetition":0', b'"repetition":1') + third
    )
    with pytest.raises(BadInput, match=r"journal.jsonl:2:1: it has no checksum \(crc32\)"):
        list(read(path))
