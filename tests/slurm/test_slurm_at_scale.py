"""Thousands of blocks: the calls of Slurm's commands do not grow with them."""

from __future__ import annotations

import os
import shutil
import signal
from collections import Counter
from pathlib import Path

import pytest

from tests.slurm.conftest import SlurmUser

COUNTED = ("sbatch", "squeue", "sacct", "scontrol", "srun", "scancel")
LONG = """
name: long
benchmark:
  name: long
  command: [sh, -c, 'sleep 60; echo speed=1.5']
  metrics: {speed: {key_value: speed, unit: GiB/s}}
"""


def count_calls(user: SlurmUser, folder: Path) -> Path:
    """Put counting commands before Slurm's; return the file with a line for each call."""
    folder.mkdir()
    calls = folder / "calls"
    for name in COUNTED:
        (folder / name).write_text(f'#!/bin/sh\necho {name} >>{calls}\nexec {shutil.which(name)} "$@"\n')
        (folder / name).chmod(0o755)
    user.environment = {**user.environment, "PATH": f"{folder}:{os.environ['PATH']}"}
    return calls


@pytest.mark.parametrize(("blocks", "arrays"), [(50, 1), pytest.param(2500, 3, marks=pytest.mark.slow)])
def test_one_call_submits_a_thousand_blocks(
    user: SlurmUser, tmp_path: Path, blocks: int, arrays: int
) -> None:
    calls = count_calls(user, tmp_path / "bin")
    process = user.begin_run(user.slurm_file(LONG + f"repetitions: {{count: {blocks}, boots: {blocks}}}\n"))
    user.wait_for(lambda: len(user.cluster.jobs()) == blocks, process)
    seen = Counter(calls.read_text().split())
    assert seen["sbatch"] == arrays  # MaxArraySize is 1001
    assert sum(seen.values()) < 40
    assert user.kill(process, signal.SIGINT).code == 130
    assert len(user.cluster.jobs()) == blocks
