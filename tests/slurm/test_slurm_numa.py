"""The quickstart on a node with two NUMA nodes: a real kernel, slurmd and Slurm, in emulation."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.slurm import cluster as clusters
from tests.slurm.conftest import user_of

QUICKSTART = Path(__file__).parents[2] / "experiments/quickstart.yaml"
PATIENCE_S = 1800.0
NOT_IDLE = "limits.settle=0"
"""An emulated CPU is not idle while this machine runs other tests."""


@pytest.mark.slow
def test_the_quickstart_is_complete(tmp_path: Path) -> None:
    place, home = tmp_path / "cluster", tmp_path / "home"
    place.mkdir()
    home.mkdir()
    with clusters.start(place, nodes=1, numa=[home]) as cluster:
        user = user_of(cluster, home)
        user.environment["HOME"] = str(home)
        run = user.begin_run(QUICKSTART, "--provider", "slurm", "--set", NOT_IDLE)
        ended = user.end(run, PATIENCE_S)
        assert ended.code == 0, ended.err
        assert {trial["status"] for trial in user.trials} == {"ok"}
        assert {trial["environment"] for trial in user.trials} == {"vm-tcg"}
        cells = json.loads(user.orchestrate("report", "latest", "--format", "json").out)["cells"]
        assert len(cells) == 8
        assert all(cell["n"] == 3 for cell in cells)
        assert cluster.jobs() == []
        assert list((home / ".orchestrate/slurm").iterdir()) == []
        print(ended.out)
