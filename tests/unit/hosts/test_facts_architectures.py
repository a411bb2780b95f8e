"""Facts of hosts of other architectures, as guests of QEMU with Debian's kernels printed them."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from orchestrator.environments import Environment
from orchestrator.hosts import facts

ARM64 = """\
uname.release=6.1.0-56-arm64
uname.machine=aarch64
boot=b-1
cpus=2
cpu.CPU_implementer=0x00
cpu.CPU_part=0x051
page_size=4096
device_tree=linux,dummy-virt linux,dummy-virt
file./sys/devices/system/node/node0/cpulist=0
file./sys/devices/system/node/node1/cpulist=1
file./sys/devices/system/node/node0/distance=10 20
file./sys/devices/system/node/node1/distance=20 10
node.0.MemTotal=488636
node.0.MemFree=461776
node.0.Inactive(file)=0
node.1.MemTotal=513724
node.1.MemFree=508848
node.1.Inactive(file)=0
memory.Hugepagesize=2048
file./sys/devices/system/clocksource/clocksource0/current_clocksource=arch_sys_counter
file./sys/kernel/mm/transparent_hugepage/enabled=[always] madvise never
file./sys/kernel/mm/transparent_hugepage/hpage_pmd_size=2097152
"""

PPC64LE = """\
uname.release=6.1.0-50-powerpc64le
uname.machine=ppc64le
boot=b-1
cpus=2
cpu.cpu=POWER9 (architected), altivec supported
page_size=65536
device_tree=IBM pSeries (emulated by qemu) qemu,pseries
file./sys/devices/system/node/node0/cpulist=0
file./sys/devices/system/node/node1/cpulist=1
file./sys/devices/system/node/node0/distance=10 20
file./sys/devices/system/node/node1/distance=20 10
node.0.MemTotal=484352
node.0.MemFree=438144
node.0.Inactive(file)=0
node.1.MemTotal=506240
node.1.MemFree=494208
node.1.Inactive(file)=0
memory.Hugepagesize=2048
file./sys/devices/system/clocksource/clocksource0/current_clocksource=timebase
file./sys/kernel/mm/transparent_hugepage/enabled=[always] madvise never
file./sys/kernel/mm/transparent_hugepage/hpage_pmd_size=2097152
"""


def test_arm64_has_numbers_for_its_cpu() -> None:
    found = facts.parse(ARM64)
    assert (found.machine, found.cpu_vendor, found.cpu_model) == ("aarch64", "0x00", "0x051")
    assert (found.page_size, found.thp_size, found.default_huge_page) == (4096, 2 << 20, 2 << 20)
    assert [node.distances for node in found.nodes] == [(10, 20), (20, 10)]


def test_ppc64le_has_larger_base_pages() -> None:
    found = facts.parse(PPC64LE)
    assert (found.machine, found.cpu_model) == ("ppc64le", "POWER9 (architected), altivec supported")
    assert (found.page_size, found.thp_size) == (65536, 2 << 20)
    assert [node.cpus for node in found.nodes] == ["0", "1"]


def test_the_size_of_a_huge_page_is_no_setting() -> None:
    assert set(facts.parse(ARM64).thp) == {"enabled"}


@pytest.mark.parametrize(
    ("printed", "changes", "expected"),
    [
        (ARM64, {}, Environment.VM_TCG),
        (ARM64, {"cpu_vendor": "0x41", "cpu_part": "0xd0c"}, Environment.VM_OTHER),
        (ARM64, {"device_tree": "Raspberry Pi 4 Model B"}, Environment.METAL),
        (PPC64LE, {}, Environment.VM_TCG),
        (
            PPC64LE,
            {"device_tree": "IBM pSeries (emulated by qemu) qemu,pseries linux,kvm"},
            Environment.VM_KVM,
        ),
        (PPC64LE, {"device_tree": "PowerNV 8335-GTG"}, Environment.METAL),
    ],
)
def test_a_guest_of_qemu_is_seen_in_the_device_tree(
    printed: str, changes: dict[str, object], expected: Environment
) -> None:
    assert facts.environment(replace(facts.parse(printed), **changes)) is expected  # type: ignore[arg-type]
