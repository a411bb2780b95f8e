"""Roles on a machine that boots from its disk, with Debian's own package manager, GRUB and systemd."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.running import User
from tests.vm.disk_machine import disk_machine

PATIENCE_S = 3600.0
"""The package is built first."""

pytestmark = pytest.mark.machine

TASKS = """
- kernel_install: {recipe: linux-6.12-accel-machine}
  notify: boot
"""
HANDLERS = """
- name: boot
  reboot: {time_limit: 600}
"""


def test_an_installed_kernel_runs_after_the_next_boot(tmp_path: Path) -> None:
    with disk_machine(tmp_path) as machine:
        machine.write_inventory(machine.power)
        user = User(tmp_path, ("--inventory", str(machine.inventory), "--host", "metal"))
        role = user.folder / "roles/mine"
        role.mkdir(parents=True)
        (role / "tasks.yaml").write_text(TASKS)
        (role / "handlers.yaml").write_text(HANDLERS)
        first = user.end(user.begin("role", "apply", "mine", *user.options), PATIENCE_S)
        assert first.code == 0, first.err
        release = machine.ssh("uname -r").strip()
        assert release.startswith("6.12."), release
        assert release in machine.ssh("dpkg-query -W 'linux-image-*'")
        second = user.orchestrate("role", "apply", "mine", *user.options)
        assert second.code == 0, second.err
        assert "changed" not in second.out.replace("unchanged", ""), second.out
        user.close()
