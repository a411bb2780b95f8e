"""A machine with UEFI that systemd-boot boots: another kernel once, then its own again."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.running import User
from tests.vm.disk_machine import changes, disk_machine
from tests.vm.machine_runs import AGAIN, ONE_TRIAL, assert_proven, run

pytestmark = pytest.mark.machine

ONCE = f"""
kernels:
  own: default
  {AGAIN}
{ONE_TRIAL}"""


def test_systemd_boot_boots_a_kernel_once(tmp_path: Path) -> None:
    with disk_machine(tmp_path, "uefi") as machine:
        machine.write_inventory(machine.power)
        before = machine.state()
        user = User(tmp_path, ("--inventory", str(machine.inventory)))
        ended = run(user, ONCE.replace("KERNELS", "own, again"))
        assert ended.code == 0, ended.err
        user.assert_complete(2)
        assert_proven(user)
        logs = "".join(path.read_text() for path in user.run_folders[0].glob("metal-*.dmesg.log"))
        assert r"Command line: initrd=\orchestrate\initrd" in logs
        assert changes(before, machine.state()) == []
        user.close()
