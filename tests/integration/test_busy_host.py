"""A host whose CPUs are not idle: a run says who uses them, and gives up early."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.running import User

BUSY = re.compile(r"busy: \S+ \(pid \d+\) \d\.\d\d[^;]* CPUs")
"""Which programs these are, other tests decide that run beside this one."""
FILE = """
repetitions: 8
benchmark: {command: [echo, x=1], metrics: {x: {key_value: x, unit: s}}}
"""


@pytest.fixture
def spinners(tmp_path: Path) -> Iterator[None]:
    """A process for each CPU that uses it all the time."""
    program = tmp_path / "spinner"
    program.write_text("#!/bin/sh\nwhile :; do :; done\n")
    program.chmod(0o755)
    started = [subprocess.Popen([program]) for _ in range(os.cpu_count() or 1)]
    yield
    for process in started:
        process.kill()
        process.wait()


@pytest.mark.usefixtures("spinners")
def test_who_is_busy_is_told_and_the_run_gives_up(local_user: User) -> None:
    file = local_user.file(FILE, settle="4s")
    ended = local_user.run(file)
    assert ended.code == 3
    waiting = [
        line for line in ended.err.splitlines() if "waiting for idle CPUs, at most 4s (limits.settle)" in line
    ]
    assert len(waiting) == 1, ended.err
    assert BUSY.search(waiting[0])
    (complaint,) = ended.complaints
    assert "the CPUs were not idle before 3 trials in a row; busy: " in complaint
    assert BUSY.search(complaint)
    advice = "--new --set limits.settle=0"
    assert complaint.endswith(f"; end these programs, or start a new run that does not wait, with {advice}")
    disturbed = [record for record in local_user.records if record["type"] in ("trial", "attempt")]
    assert len(disturbed) == 3
    for record in disturbed:
        assert record["status"] == "disturbed"
        cpus = [process["cpus"] for process in record["noise"]["busy"]]
        assert cpus
        assert cpus == sorted(cpus, reverse=True)
    again = local_user.run(file, *advice.split())
    assert again.code == 0, again.err
    assert "not checked: idle CPUs before trials (limits.settle: 0)" in again.out
