"""Machines without power control: a watchdog boots their own kernel again."""

from __future__ import annotations

import pytest

from tests.running import User
from tests.vm.disk_machine import DiskMachine, changes
from tests.vm.machine_runs import HOSTS, MUTE, ONE_TRIAL, assert_proven, run

pytestmark = pytest.mark.machine

UNFOUND = f"""
kernels:
  own: default
  {MUTE}
{ONE_TRIAL}"""

HANGING = """
kernels:
  own: default
  accel: {recipe: linux-6.12-accel-machine}
benchmark:
  command: [sh, -c, 'if test {n} = 1; then echo 0 >/proc/sys/kernel/panic; echo c >/proc/sysrq-trigger; fi; echo x=1']
  metrics: {x: {key_value: x, unit: count}}
factors: {kernel: [accel], n: [0, 1]}
repetitions: 1
order: {within_block: listed}
"""
"""A panic without a reboot: the trial resets ``panic=``."""


@pytest.fixture
def unattended(machine: DiskMachine, user: User) -> DiskMachine:
    machine.write_inventory("none")
    return machine


def test_a_kernel_without_a_network_reboots_the_machine(unattended: DiskMachine, user: User) -> None:
    before = unattended.state()
    ended = run(user, UNFOUND.replace("KERNELS", "own, mute"))
    assert ended.code == 1, ended.err
    user.assert_complete(2)
    assert {t["factors"]["kernel"]: t["status"] for t in user.trials} == {"own": "ok", "mute": "wrong_kernel"}
    assert "no power control (power: none)" in ended.err
    assert "kernel 'mute' did not boot; its own kernel runs again" in ended.err
    assert "orchestrate: no controller has connected for" in unattended.console.read_text(errors="replace")
    assert changes(before, unattended.state()) == []


def test_a_kernel_that_hangs_in_a_trial_is_reset_by_a_watchdog(unattended: DiskMachine, user: User) -> None:
    before = unattended.state()
    ended = run(user, HANGING, HOSTS.replace("settle: 0", "settle: 0, crashes: 1"))
    assert ended.code == 1, ended.err
    user.assert_complete(2)
    assert {t["factors"]["n"]: t["status"] for t in user.trials} == {"0": "ok", "1": "crashed"}
    assert_proven(user)
    console = unattended.console.read_text(errors="replace")
    assert (
        "orchestrate: watchdog /dev/watchdog1" in console
    )  # softdog is built into this kernel, beside the hardware's
    assert "end Kernel panic - not syncing: sysrq triggered crash" in console
    assert changes(before, unattended.state()) == []
