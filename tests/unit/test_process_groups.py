"""Programs that have started others end with them."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

from orchestrator import process_groups, processes


def is_gone(pid: str) -> bool:
    """Whether a process ends; one that was killed does so soon."""
    for _ in range(1000):
        if not processes.identity(pid):
            return True
        time.sleep(0.01)
    return False


@pytest.mark.parametrize("leader", ["wait", "exit"])
def test_a_time_limit_ends_all_that_a_program_has_started(tmp_path: Path, leader: str) -> None:
    """Also what was left by one that has ended: it has our pipe, so that the program is waited for."""
    file = tmp_path / "pid"
    line = f"sleep 1000 & echo $! > {file}; {leader}"
    with pytest.raises(subprocess.TimeoutExpired):
        process_groups.run(("sh", "-c", line), capture_output=True, timeout=1)
    assert is_gone(file.read_text().strip())


def test_what_a_program_leaves_when_it_ends_goes_on() -> None:
    """As the emulator that a command of ``power`` starts."""
    ended = process_groups.run(("sh", "-c", "sleep 1000 > /dev/null & echo $!"), stdout=subprocess.PIPE)
    pid = ended.stdout.decode().strip()
    assert processes.identity(pid)
    subprocess.run(("kill", pid), check=True)


def test_what_still_runs_ends_with_this_process() -> None:
    code = (
        "from orchestrator import process_groups\n"
        "import subprocess, threading\n"
        "process = process_groups.begin(('sh', '-c', 'sleep 1000 & echo $!; wait'), stdout=subprocess.PIPE)\n"
        "threading.Thread(target=process.wait, daemon=True).start()\n"
        "print(process.stdout.readline().decode().strip())\n"
    )
    ended = subprocess.run((sys.executable, "-c", code), stdout=subprocess.PIPE, text=True, check=True)
    assert is_gone(ended.stdout.strip())


@pytest.mark.parametrize(("trap", "by_itself"), [("", True), ("trap '' TERM;", False)])
def test_a_program_may_end_by_itself(trap: str, by_itself: bool) -> None:
    line = f"{trap} echo ready; while :; do sleep 0.1; done"
    process = process_groups.begin(("sh", "-c", line), stdout=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stdout.readline() == b"ready\n"
    assert process_groups.end(process, grace_s=60 if by_itself else 0.3) is by_itself
    process.stdout.close()


def test_a_program_that_prints_no_utf_8() -> None:
    ended = process_groups.run(("printf", r"\304\343"), capture_output=True, text=True)
    assert ended.stdout == "\ufffd\ufffd"
