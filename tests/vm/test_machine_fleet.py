"""Two machines that boot from their disks, each with its own power control, in one run."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from tests.running import User
from tests.vm.disk_machine import changes, disk_machine
from tests.vm.machine_runs import AGAIN, MUTE, ONE_TRIAL, run

pytestmark = pytest.mark.machine

HOSTS = """
hosts: {provider: ssh, group: metals, fleet: replicate}
limits: {boot: 400, settle: 0}
"""

TROUBLES = f"""
kernels:
  {AGAIN}
  {MUTE}
{ONE_TRIAL}"""


def test_each_machine_of_a_fleet_is_booted_and_restored_by_its_own_power_control(tmp_path: Path) -> None:
    folders = [tmp_path / "one", tmp_path / "two"]
    for folder in folders:
        folder.mkdir()
    with disk_machine(folders[0]) as one, disk_machine(folders[1]) as two:
        machines = {"one": one, "two": two}
        hosts = {name: {**each.variables, "power": each.power} for name, each in machines.items()}
        inventory = tmp_path / "inventory.yaml"
        inventory.write_text(yaml.safe_dump({"metals": {"hosts": hosts}}))
        before = {name: each.state() for name, each in machines.items()}
        user = User(tmp_path, ("--inventory", str(inventory)))
        ended = run(user, TROUBLES.replace("KERNELS", "again, mute"), HOSTS)
        assert ended.code == 1, ended.err
        user.assert_complete(4)
        assert {(t["factors"]["host"], t["factors"]["kernel"]): t["status"] for t in user.trials} == {
            ("one", "again"): "ok",
            ("one", "mute"): "wrong_kernel",
            ("two", "again"): "ok",
            ("two", "mute"): "wrong_kernel",
        }
        for name, each in machines.items():
            assert f"{name}: kernel 'mute' did not boot; its own kernel runs again" in ended.err
            assert changes(before[name], each.state()) == []
        user.close()
