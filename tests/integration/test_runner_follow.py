"""`runner follow`: the journal as it grows, in whole lines, many at once."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from orchestrator.execution.trial_file import HostTrial
from tests.host_shells import HostFolder, processes

START = b'{"event":"start","trial":"1","uptime":1}\n'
ENDED = b'{"event":"trial","trial":"1"}\n'
PATIENCE_S = 60.0


class Followed:
    """A journal that the test writes, and what a follower has printed."""

    def __init__(self, host: HostFolder) -> None:
        self.path = host.block / "journal.jsonl"
        self.process = subprocess.Popen(
            ["/usr/bin/env", "sh", str(host.runner_script), "follow", str(host.block)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=host.environment,
        )
        assert self.process.stdout is not None
        os.set_blocking(self.process.stdout.fileno(), False)

    def write(self, content: bytes) -> None:
        with self.path.open("ab", buffering=0) as journal:
            journal.write(content)

    def read(self) -> bytes:
        """Return what has come since, without waiting."""
        assert self.process.stdout is not None
        return self.process.stdout.read() or b""

    def wait(self) -> bytes:
        """Return the next bytes."""
        deadline = time.monotonic() + PATIENCE_S
        while not (found := self.read()):
            assert time.monotonic() < deadline, "timed out: nothing was printed"
            time.sleep(0.001)
        return found


@contextmanager
def following(host: HostFolder) -> Iterator[Followed]:
    followed = Followed(host)
    try:
        yield followed
    finally:
        followed.process.kill()
        with followed.process:
            pass


@pytest.fixture
def host(tmp_path: Path) -> HostFolder:
    return HostFolder("dash", tmp_path)


def test_a_journal_that_is_not_there_yet_is_made_and_followed_from_its_first_line(host: HostFolder) -> None:
    with following(host) as followed:
        while not followed.path.exists():
            time.sleep(0.01)
        assert followed.read() == b""
        followed.write(ENDED)
        assert followed.wait() == ENDED


def test_what_was_there_comes_first_also_long_lines(host: HostFolder) -> None:
    line = b'{"event":"trial","stdout":"' + b"x" * 300_000 + b'"}\n'
    (host.block / "journal.jsonl").write_bytes(line * 20)
    with following(host) as followed:
        arrived = b""
        while len(arrived) < 20 * len(line):
            arrived += followed.wait()
        assert arrived == line * 20


def test_only_whole_lines_are_printed_and_a_line_may_be_taken_back(host: HostFolder) -> None:
    with following(host) as followed:
        followed.write(ENDED + b'{"event":"tri')
        assert followed.wait() == ENDED
        os.truncate(followed.path, len(ENDED))
        followed.write(START)
        assert followed.wait() == START


def test_the_end_of_a_trial_comes_with_the_start_of_the_next(host: HostFolder) -> None:
    with following(host) as followed:
        followed.write(START)
        assert followed.wait() == START
        time.sleep(0.2)  # longer than the follower waits for a start
        together = 0
        for _ in range(5):
            followed.write(ENDED)
            followed.write(START)
            together += followed.wait() == ENDED + START
            time.sleep(0.2)
        assert together >= 4, "one of them may fall between two looks on a busy machine"


def test_short_trials_come_many_at_once(host: HostFolder) -> None:
    with following(host) as followed:
        arrived, times, began = b"", 0, time.monotonic()
        for _ in range(300):
            followed.write(START)
            time.sleep(0.001)
            followed.write(ENDED)
            some = followed.read()
            arrived, times = arrived + some, times + bool(some)
        intervals = (time.monotonic() - began) / 0.05
        while arrived.count(b"\n") < 600:
            arrived += followed.wait()
        assert arrived == (START + ENDED) * 300
        assert times <= intervals + 5


def test_it_ends_with_its_input(host: HostFolder) -> None:
    with following(host) as followed:
        followed.write(ENDED)
        followed.wait()
        assert followed.process.stdin is not None
        followed.process.stdin.write(b"is ignored\n")
        followed.process.stdin.flush()
        followed.write(START)
        followed.wait()
        followed.process.stdin.close()
        assert followed.process.wait(PATIENCE_S) == 0


def test_a_journal_that_cannot_be_made_is_named(host: HostFolder) -> None:
    done = host.sh(host.runner_script, "follow", host.folder / "nowhere")
    assert done.returncode == 1
    assert done.stderr.decode() == f"{host.folder}/nowhere/journal.jsonl: No such file or directory\n"


def test_without_input_it_prints_what_there_is(host: HostFolder) -> None:
    (host.block / "journal.jsonl").write_bytes(START + ENDED)
    done = host.sh(host.runner_script, "follow", host.block)
    assert (done.returncode, done.stdout) == (0, START + ENDED)


def test_a_journal_that_is_shorter_is_followed_from_its_first_line(host: HostFolder) -> None:
    with following(host) as followed:
        followed.write(START + ENDED)
        assert followed.wait() == START + ENDED
        followed.path.write_bytes(ENDED)
        assert followed.wait() == ENDED


def test_it_ends_with_the_runner_after_what_that_has_written(host: HostFolder) -> None:
    seconds = f"6{host.folder.stat().st_ino}"
    sleeper = HostTrial(id="1", tag={}, folder="/", argv=("sleep", seconds), time_limit=600)
    assert host.start(sleeper).returncode == 0
    host.wait_for('"start"')
    with following(host) as followed:
        assert followed.wait().endswith(b"\n")
        host.kill_runner()
        assert followed.process.wait(PATIENCE_S) == 0
    for pid in processes(f"sleep\0{seconds}"):
        os.kill(pid, signal.SIGKILL)
    with following(host) as followed:  # of a runner that is dead already
        assert followed.process.wait(PATIENCE_S) == 0
        assert followed.read() == followed.path.read_bytes() != b""
