"""A machine that boots from its disk as the node of a reservation of Slurm.

Its slurmd runs beside it, and is started again whenever the machine's console shows another boot.
"""

from __future__ import annotations

import tempfile
import threading
from pathlib import Path

import pytest
import yaml

from tests.running import User
from tests.slurm import cluster as clusters
from tests.slurm.cluster import Cluster, new_boot
from tests.slurm.test_slurm_reservation import reserve
from tests.vm.disk_machine import DiskMachine, changes
from tests.vm.machine_runs import AGAIN, ONE_TRIAL, assert_proven, run

pytestmark = pytest.mark.machine

HOSTS = """
hosts: {provider: slurm, slurm: {reservation: kernels, boot: ssh}, needs: {numa_nodes: 2}}
limits: {boot: 400, settle: 0}
"""


def restart_slurmd(cluster: Cluster, machine: DiskMachine, ended: threading.Event) -> None:
    def boots() -> int:
        return machine.console.read_text(errors="replace").count("Linux version ")

    seen = boots()
    while not ended.wait(1):
        if boots() > seen:
            seen = boots()
            cluster.kill_node("node1")
            cluster.start_node("node1", boot=new_boot())


def test_a_kernel_is_booted_in_a_reservation(machine: DiskMachine, user: User) -> None:
    if reason := clusters.missing():
        pytest.skip(reason)
    inventory = user.folder / "nodes.yaml"
    inventory.write_text(yaml.safe_dump({"all": {"hosts": {"node1": machine.variables}}}))
    before = machine.state()
    ended = threading.Event()
    with (
        tempfile.TemporaryDirectory(prefix="slurm") as folder,
        clusters.start(Path(folder), nodes=1) as cluster,
    ):
        reserve(cluster)
        thread = threading.Thread(target=restart_slurmd, args=(cluster, machine, ended))
        thread.start()
        user.environment.update(cluster.environment)
        user.options = ("--inventory", str(inventory))
        try:
            text = f"kernels:\n  {AGAIN}\n{ONE_TRIAL.replace('KERNELS', 'again')}"
            done = run(user, text, HOSTS)
        finally:
            ended.set()
            thread.join()
        jobs = cluster.jobs()
    assert done.code == 0, done.err
    assert user.statuses == {"ok": 1}
    assert_proven(user)
    assert [block["host"] for block in user.of_type("block")] == ["node1"]
    assert "scontrol update" not in done.err
    assert jobs == []
    assert changes(before, machine.state()) == []
