"""Kernels on the nodes of a reservation: ``hosts.slurm.boot: ssh``. No job is submitted; the nodes are booted by SSH."""

from __future__ import annotations

import getpass
import platform
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.images import bz_image
from tests.slurm import cluster as clusters
from tests.slurm.cluster import Cluster
from tests.slurm.conftest import SlurmUser, user_of
from tests.slurm.reserved_node import BootableNode
from tests.slurm.test_slurm_kernels import other_release

KERNELS = """
version: 1
name: reserved
hosts: {provider: slurm, slurm: {reservation: kernels, boot: ssh}}
noise: false
limits: {settle: 0, boot: 20}
kernels:
  own: default
  older: {image: older}
benchmark:
  command: [sh, -c, 'uname -r >> EXECUTIONS; echo n={n}']
  metrics: {n: {key_value: n, unit: count}}
factors: {kernel: [own, older], n: [1, 2]}
repetitions: 1
"""


def reserve(
    cluster: Cluster, name: str = "kernels", start: str = "now", minutes: int = 60, **words: str
) -> None:
    """Reserve node1 for whoever runs the tests, for MAINT."""
    words = {"Nodes": "node1", "Users": getpass.getuser(), "Flags": "MAINT,IGNORE_JOBS", **words}
    options = [f"{key}={value}" for key, value in words.items()]
    cluster.command(
        "scontrol",
        "create",
        "reservation",
        f"ReservationName={name}",
        f"StartTime={start}",
        f"Duration={minutes}",
        *options,
    )


def write(user: SlurmUser, text: str = KERNELS) -> Path:
    (user.folder / "older").write_bytes(bz_image(other_release()))
    file = user.folder / "reserved.yaml"
    file.write_text(text.replace("EXECUTIONS", str(user.executions)))
    return file


@pytest.fixture
def owner(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[SlurmUser]:
    """Someone with a cluster of one node, which is reserved; parameter: lines of slurm.conf."""
    with (
        tempfile.TemporaryDirectory(prefix="slurm") as folder,
        clusters.start(Path(folder), nodes=1, more=getattr(request, "param", "")) as cluster,
    ):
        reserve(cluster)
        user = user_of(cluster, tmp_path)
        yield user
        user.close()


def test_two_kernels_are_booted_on_the_reserved_node(owner: SlurmUser) -> None:
    node = BootableNode(owner.cluster, "node1")
    with node.rebooting():
        ended = owner.run(write(owner), "--inventory", node.inventory)
    assert ended.code == 0, ended.err
    owner.assert_complete(4)
    assert sorted(node.booted) == ["installed", "own"] or node.booted == ["installed", "own", "own"]
    assert sorted(owner.executions.read_text().split()) == sorted([platform.release(), other_release()] * 2)
    assert [check["holds"] for block in owner.of_type("block") for check in block["proof"]].count(False) == 0
    assert {block["host"] for block in owner.of_type("block")} == {"node1"}
    assert owner.cluster.jobs() == []
    assert node.files == []
    assert "scontrol update" not in ended.err
