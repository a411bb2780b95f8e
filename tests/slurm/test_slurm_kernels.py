"""Kernels as node features: Slurm reboots the node by the helpers plugin; here a reboot restarts its slurmd.

After it the node has a boot id of its own and, under the other kernel, another ``uname -r``, as after a real reboot.
"""

from __future__ import annotations

import platform
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.images import bz_image
from tests.slurm import cluster as clusters
from tests.slurm.cluster import Cluster, new_boot
from tests.slurm.conftest import SlurmUser, user_of

HELPER = """#!/bin/sh
# Without a word it prints the feature of the running kernel, with one it chooses that of the next boot.
if [ -n "$1" ]; then echo "$1" >FOLDER/node/next; else cat FOLDER/node/running; fi
"""
REBOOT = """#!/bin/sh
: >FOLDER/node/reboot
"""
PLUGIN = """
NodeFeaturesPlugins=node_features/helpers
RebootProgram={folder}/reboot
ResumeTimeout=60
"""
KERNELS = """
kernels:
  ours: {image: ours}
  older: {image: older}
benchmark:
  name: release
  command: [sh, -c, 'echo "$(uname -r) $(cat /proc/sys/kernel/random/boot_id)" >> EXECUTIONS; echo n={n}']
  metrics: {n: {key_value: n, unit: count}}
factors: {kernel: [ours, older], n: [1, 2]}
repetitions: {count: 2, boots: 2}
"""
FEATURES = "features: {ours: new, older: old}"


def other_release() -> str:
    shown = subprocess.run(
        ("setarch", "--uname-2.6", "uname", "-r"), check=True, capture_output=True, text=True
    )
    return shown.stdout.strip()


@contextmanager
def rebooting(cluster: Cluster, *, change_kernel: bool) -> Iterator[list[str]]:
    """Restart each node that has requested it; yield the features that were booted."""
    booted: list[str] = []
    ended = threading.Event()

    def watch() -> None:
        while not ended.wait(0.1):
            for request in cluster.folder.glob("node.*/reboot"):
                name = request.parent.name.removeprefix("node.")
                cluster.kill_node(name)
                request.unlink()
                feature = (request.parent / "next").read_text()
                (request.parent / "running").write_text(feature)
                booted.append(feature.strip())
                release = "2.6" if change_kernel and feature.strip() == "old" else ""
                cluster.start_node(name, release, new_boot())

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield booted
    finally:
        ended.set()
        thread.join()


@pytest.fixture
def owner(tmp_path: Path) -> Iterator[SlurmUser]:
    """Someone whose cluster boots kernels by features."""
    with tempfile.TemporaryDirectory(prefix="slurm") as name:
        folder = Path(name)
        for file, text in (("helper", HELPER), ("reboot", REBOOT)):
            (folder / file).write_text(text.replace("FOLDER", name))
            (folder / file).chmod(0o755)
        (folder / "helpers.conf").write_text(
            f"Feature=new Helper={name}/helper\nFeature=old Helper={name}/helper\nMutuallyExclusive=new,old\n"
        )
        for node in ("node.node1", "node.node2"):
            (folder / node).mkdir()
            (folder / node / "running").write_text("new\n")
        plugin = PLUGIN.format(folder=folder)
        with clusters.start(folder, more=plugin, node_words="Feature=new,old") as cluster:
            user = user_of(cluster, tmp_path)
            (tmp_path / "ours").write_bytes(bz_image(platform.release()))
            (tmp_path / "older").write_bytes(bz_image(other_release()))
            yield user
            user.close()


@pytest.mark.slow
def test_two_kernels_take_turns_on_one_node(owner: SlurmUser) -> None:
    with rebooting(owner.cluster, change_kernel=True) as booted:
        ended = owner.run(owner.slurm_file(KERNELS, FEATURES))
    assert ended.code == 0, ended.err
    owner.assert_complete(8)
    assert len({block["host"] for block in owner.of_type("block")}) == 1
    ran = [block["kernel"] for block in sorted(owner.of_type("block"), key=lambda block: block["time"])]
    assert ran == ["ours", "older", "older", "ours"]
    assert booted == ["old", "new"]
    for trial in owner.trials:
        assert trial["factors"]["kernel"] in ("ours", "older")
    assert {line.split()[0] for line in owner.executions.read_text().splitlines()} == {
        platform.release(),
        other_release(),
    }
    assert [check["holds"] for block in owner.of_type("block") for check in block["proof"]].count(False) == 0
    owner.assert_nothing_left()


@pytest.mark.slow
def test_a_reboot_that_does_not_change_the_kernel_is_found_out(owner: SlurmUser) -> None:
    with rebooting(owner.cluster, change_kernel=False):
        ended = owner.run(owner.slurm_file(KERNELS, FEATURES))
    assert ended.code == 1, ended.err
    assert owner.statuses == {"ok": 4, "wrong_kernel": 4}
    assert len(owner.executions.read_text().splitlines()) == 4


@pytest.mark.slow
def test_hosts_check_says_which_kernels_can_be_booted(owner: SlurmUser) -> None:
    file = owner.slurm_file(KERNELS, "features: {ours: new, older: rt}")
    printed = owner.orchestrate("hosts", "check", "--provider", "slurm", file).out
    assert "kernels: by node features (helpers plugin): new (2 nodes), old (2 nodes)" in printed
    assert "kernel ours: feature new, 2 nodes" in printed
    assert "kernel older: no node has the feature rt; its cells will not run" in printed


def test_without_features_only_the_running_kernel_s_cells_are_run(user: SlurmUser, tmp_path: Path) -> None:
    (tmp_path / "ours").write_bytes(bz_image(platform.release()))
    (tmp_path / "older").write_bytes(bz_image("2.6.1"))
    ended = user.run(user.slurm_file(KERNELS))
    assert ended.code == 1, ended.err
    assert user.statuses == {"ok": 4, "wrong_kernel": 4}
    assert len(user.of_type("block")) == 2
    user.assert_nothing_left()
