"""Kernels on a machine that boots from its disk: booted once, proven, gone back; and kernels that do not come up.

Run by ``make machine-test``: emulated boots of a whole Debian take minutes each. The kernel that panics at boot is
Debian's, which is told of an init that its initramfs does not have, and has no driver built in for its disk; the one
without a network is Debian's with its network driver kept from loading. Both die, or stay mute, as kernels built that
way would.
"""

from __future__ import annotations

import pytest

from tests.running import User
from tests.vm.disk_machine import DiskMachine, changes
from tests.vm.machine_runs import AGAIN, MUTE, ONE_TRIAL, assert_proven, run

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

KEXECED = f"""
kernels:
  own: default
  {AGAIN}
{ONE_TRIAL}"""

DYING = f"""
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


def test_a_trial_that_kills_its_kernel_is_set_aside_and_the_old_kernel_is_back(
    machine: DiskMachine, user: User
) -> None:
    before = machine.state()
    ended = run(user, DYING)
    assert ended.code == 1, ended.err
    user.assert_complete(3)
    assert {t["factors"]["n"]: t["status"] for t in user.trials} == {"0": "ok", "1": "crashed", "2": "ok"}
    assert len({block["boot"] for block in user.of_type("block")}) == 3
    assert_proven(user)
    assert "sysrq triggered crash" in (user.run_folders[0] / "metal.console.log").read_text(errors="replace")
    assert list(user.run_folders[0].glob("metal-*.dmesg.log"))
    assert changes(before, machine.state()) == []


@pytest.mark.parametrize("kernel", ["panics", "mute"])
def test_a_kernel_that_does_not_come_up_costs_its_trials_and_no_others(
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
        ended = run(user, KEXECED.replace("KERNELS", "own, again"))
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


def test_two_kernels_three_boots_each_leave_the_machine_as_it_was(machine: DiskMachine, user: User) -> None:
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
