"""Kernels on a machine that boots from its disk: boot once, prove, boot back; and kernels that do not boot.

Run by ``make machine-test``: emulated boots of a complete Debian take minutes each. Two kernels do not boot. One is
Debian's with a missing init in its initramfs and no built-in disk driver; it panics. The other is Debian's with a
blacklisted network driver; it cannot be reached.
"""

from __future__ import annotations

import time

import pytest

from tests.running import User
from tests.vm.disk_machine import DiskMachine, changes
from tests.vm.machine_runs import AGAIN, MUTE, ONE_TRIAL, assert_proven, begin, run

pytestmark = pytest.mark.machine

ROTATED = """
kernels:
  debian: default
  accel: {recipe: linux-6.12-accel-machine}
tuning: {numa_balancing: false, transparent_hugepages: {enabled: madvise}}
roles: [quiet]
benchmark: {role: migbench, arguments: {pages: 16, page_size: 4KiB}}
factors: {kernel: [debian, accel], mode: [serial, parallel]}
repetitions: {count: 3, boots: 3}
allow_unsupported: ["kernel == 'debian' and mode == 'parallel'"]
"""

TROUBLES = f"""
kernels:
  own: default
  panics: {{package: linux-image-cloud-amd64, command_line: rdinit=/nowhere}}
  {MUTE}
{ONE_TRIAL}"""

KEXEC = f"""
kernels:
  own: default
  {AGAIN}
{ONE_TRIAL}"""

CRASHING = f"""
kernels:
  own: default
  {AGAIN}
tuning: {{numa_balancing: false}}
benchmark:
  command: [sh, -c, 'test {{n}} = 1 && echo c > /proc/sysrq-trigger; echo x={{n}}']
  metrics: {{x: {{key_value: x, unit: count}}}}
factors: {{kernel: [again], n: [0, 1, 2]}}
repetitions: 1
order: {{within_block: listed}}
"""


def test_a_trial_that_crashes_its_kernel(machine: DiskMachine, user: User) -> None:
    before = machine.state()
    ended = run(user, CRASHING)
    assert ended.code == 1, ended.err
    user.assert_complete(3)
    assert {t["factors"]["n"]: t["status"] for t in user.trials} == {"0": "ok", "1": "crashed", "2": "ok"}
    assert len({block["boot"] for block in user.of_type("block")}) == 3
    assert_proven(user)
    assert "sysrq triggered crash" in (user.run_folders[0] / "metal.console.log").read_text(errors="replace")
    assert list(user.run_folders[0].glob("metal-*.dmesg.log"))
    assert changes(before, machine.state()) == []


@pytest.mark.parametrize("kernel", ["panics", "mute"])
def test_a_kernel_that_does_not_boot_fails_its_trials_only(
    machine: DiskMachine, user: User, kernel: str
) -> None:
    before = machine.state()
    ended = run(user, TROUBLES.replace("KERNELS", f"own, {kernel}"))
    assert ended.code == 1, ended.err
    user.assert_complete(2)
    assert {t["factors"]["kernel"]: t["status"] for t in user.trials} == {"own": "ok", kernel: "wrong_kernel"}
    assert f"kernel '{kernel}' did not boot; its own kernel runs again" in ended.err
    assert ("power-cycling it" in ended.err) == (kernel == "mute")
    assert changes(before, machine.state()) == []


def test_a_machine_whose_loader_cannot_boot_once_is_booted_by_kexec(machine: DiskMachine, user: User) -> None:
    before = machine.state()
    machine.ssh("chmod -x /usr/sbin/grub-reboot")
    try:
        ended = run(user, KEXEC.replace("KERNELS", "own, again"))
    finally:
        machine.ssh("chmod +x /usr/sbin/grub-reboot")
    assert ended.code == 0, ended.err
    user.assert_complete(2)
    assert [block["kernel"] for block in user.of_type("block")] == ["own", "again"]
    assert_proven(user)
    assert "kexec_core: Starting new kernel" in (user.run_folders[0] / "metal.console.log").read_text(
        errors="replace"
    )
    assert changes(before, machine.state()) == []


def test_two_kernels_three_boots_each_leave_no_changes(machine: DiskMachine, user: User) -> None:
    before = machine.state()
    ended = run(user, ROTATED)
    assert ended.code == 0, ended.err
    user.assert_complete(12)
    blocks = user.of_type("block")
    assert [block["kernel"] for block in blocks] == ["debian", "accel", "accel", "debian", "debian", "accel"]
    assert len({block["boot"] for block in blocks}) == 6
    became = {(t["factors"]["kernel"], t["factors"]["mode"]): t["status"] for t in user.trials}
    assert became.pop(("debian", "parallel")) == "unsupported"
    assert set(became.values()) == {"ok"}
    assert changes(before, machine.state()) == []


def test_a_controller_that_is_killed_after_its_last_trial(machine: DiskMachine, user: User) -> None:
    """Who repeats the command has no trial to run, and leaves the machine as it was before the first one."""
    before = machine.state()
    process = begin(user, KEXEC.replace("KERNELS", "again"))
    while not user.trials:
        assert process.poll() is None, process.communicate()
        time.sleep(0.05)
    assert user.kill(process).code < 0
    ended = run(user, KEXEC.replace("KERNELS", "again"))
    assert ended.code == 0, ended.err
    user.assert_complete(1)
    assert len(user.of_type("block")) == 1
    assert changes(before, machine.state()) == []
