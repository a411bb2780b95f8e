"""Facts, read from what machines say."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from orchestrator.environments import Environment
from orchestrator.errors import HostError
from orchestrator.experiment.model import Needs
from orchestrator.hosts import facts
from orchestrator.hosts.similarity import differences, reference_host

COUNTS = "quiet orchestrate.clock=instructions root=/dev/vda"
GIB = 1 << 30
NODE = "file./sys/devices/system/node/node"
TWO_NODES = f"""\
uname.release=4.10.0-rfc
uname.machine=x86_64
boot=b-1
user=1000
root=no
cpus=6
cpu.model_name=Some CPU @ 2.4 = fast
cpu.flags=fpu erms
node.0.MemTotal=4194304
node.0.MemFree=2097152
node.0.Inactive(file)=1048576
node.1.MemTotal=4194304
node.1.MemFree=524288
node.1.Inactive(file)=0
{NODE}0/cpulist=0-5
{NODE}0/distance=10 21
{NODE}0/hugepages/hugepages-2048kB/nr_hugepages=64
{NODE}0/hugepages/hugepages-2048kB/free_hugepages=60
{NODE}0/hugepages/hugepages-2048kB/surplus_hugepages=0
{NODE}1/cpulist=
{NODE}1/distance=21 10
{NODE}1/hugepages/hugepages-2048kB/free_hugepages=3
memory.Hugepagesize=2048
file./sys/devices/system/cpu/cpu0/cpufreq/scaling_governor=performance
file./sys/devices/system/cpu/cpu1/cpufreq/scaling_governor=performance
file./sys/devices/system/cpu/cpu2/cpufreq/scaling_governor=powersave
file./sys/devices/system/cpu/cpu10/cpufreq/scaling_governor=performance
file./sys/devices/system/cpu/intel_pstate/no_turbo=1
file./sys/kernel/mm/transparent_hugepage/enabled=always [madvise] never
file./sys/kernel/mm/transparent_hugepage/hugepages-64kB/enabled=[always] inherit madvise never
file./proc/sys/kernel/numa_balancing=1
exists=/proc/sys/vm/mt_page_copy
"""


@pytest.fixture
def two_nodes() -> facts.Facts:
    return facts.parse(TWO_NODES)


def test_nodes(two_nodes: facts.Facts) -> None:
    near, far = two_nodes.nodes
    assert (near.cpus, near.distances, near.memory, near.available) == ("0-5", (10, 21), 4 * GIB, 3 * GIB)
    assert (near.huge_pages, near.free_huge_pages) == ({2 << 20: 64}, {2 << 20: 60})
    assert (far.cpus, far.free) == ("", GIB // 2)


def test_switches_and_choices(two_nodes: facts.Facts) -> None:
    assert two_nodes.governors == {"performance": "0-1,10", "powersave": "2"}
    assert (two_nodes.turbo, two_nodes.smt) == (False, None)
    assert two_nodes.thp == {"enabled": "madvise", "hugepages-64kB/enabled": "always"}
    assert two_nodes.sysctls == {"kernel.numa_balancing": "1"}
    assert two_nodes.cpu_model == "Some CPU @ 2.4 = fast"
    assert two_nodes.document["nodes"][0]["huge_pages"] == {str(2 << 20): 64}


def test_kernel_without_numa_has_one_node() -> None:
    found = facts.parse(
        "uname.release=6.1\nboot=b\nmemory.MemTotal=1024\nmemory.MemFree=512\nmemory.Inactive(file)=0\n"
        "memory.Hugepagesize=2048\nfile./sys/devices/system/cpu/online=0-3\n"
        "file./sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages=7\n"
    )
    (node,) = found.nodes
    assert (node.cpus, node.memory, node.free_huge_pages) == ("0-3", 1 << 20, {2 << 20: 7})


def test_output_of_another_system() -> None:
    with pytest.raises(HostError, match="the host is not Linux"):
        facts.parse("uname.release=23.1.0\n")


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, Environment.METAL),
        ({"dmi_vendor": "Dell Inc.", "dmi_product": "PowerEdge R740"}, Environment.METAL),
        ({"dmi_vendor": "Amazon EC2", "dmi_product": "m5.metal"}, Environment.CLOUD_METAL),
        ({"dmi_asset_tag": "OracleCloud.com"}, Environment.CLOUD_METAL),
        ({"cpu_flags": ("hypervisor",), "clocksources": ("kvm-clock", "tsc")}, Environment.VM_KVM),
        ({"cpu_flags": ("hypervisor",), "cpu_model": "QEMU TCG CPU version 2.5+"}, Environment.VM_TCG),
        ({"cpu_flags": ("hypervisor",), "cpu_model": "QEMU Virtual CPU version 2.5+"}, Environment.VM_TCG),
        (
            {"cpu_flags": ("hypervisor",), "cpu_model": "QEMU TCG CPU version 2.5+", "command_line": COUNTS},
            Environment.VM_ICOUNT,
        ),
        ({"command_line": COUNTS}, Environment.METAL),
        ({"cpu_flags": ("hypervisor",), "dmi_vendor": "VMware, Inc."}, Environment.VM_OTHER),
        ({"hypervisor_type": "xen"}, Environment.VM_OTHER),
        ({"dmi_vendor": "Microsoft Corporation", "dmi_product": "Virtual Machine"}, Environment.VM_OTHER),
    ],
)
def test_environment(two_nodes: facts.Facts, changes: dict[str, object], expected: Environment) -> None:
    assert facts.environment(replace(two_nodes, **changes)) is expected  # type: ignore[arg-type]


def test_a_rented_machine_that_does_not_say_so(two_nodes: facts.Facts) -> None:
    metal = replace(two_nodes, dmi_vendor="Dell Inc.")
    assert facts.environment(metal, rented=True) is Environment.CLOUD_METAL
    guest = replace(two_nodes, cpu_flags=("hypervisor",), clocksources=("kvm-clock",))
    assert facts.environment(guest, rented=True) is Environment.VM_KVM


@pytest.mark.parametrize(
    ("needs", "sentences"),
    [
        (Needs(numa_nodes=2), []),
        (Needs(numa_nodes=3), ["needs 3 NUMA nodes, host has 2"]),
        (Needs(cpus=9999, numa_nodes=2), ["needs 9999 CPUs, host has CPUS"]),
        (Needs(memory_per_node=2 * GIB), []),
        (Needs(nodes=(0, 1)), []),
        (Needs(nodes=(1, 2, 8)), ["needs memory on NUMA node 2,8, host has it on 0-1"]),
        (
            Needs(numa_nodes=2, memory_per_node=GIB),
            ["needs 1GiB of free memory on 2 NUMA nodes; node 0 has 3GiB, node 1 has 512MiB"],
        ),
        (
            Needs(numa_nodes=2, free_huge_pages_per_node=4),
            ["needs 4 free huge pages of 2MiB on 2 NUMA nodes; node 0 has 60, node 1 has 3"],
        ),
        (Needs(mode="parallel"), []),
        (Needs(mode="serial"), []),
        (
            Needs(mode="dma"),
            [
                "needs a kernel with the mode dma (one of /sys/kernel/mm/migration_accel/flags/offload,"
                " /proc/sys/vm/use_all_dma_chans, /sys/kernel/dcbm, /sys/module/dcbm); host runs 4.10.0-rfc"
            ],
        ),
    ],
)
def test_unmet_needs(two_nodes: facts.Facts, needs: Needs, sentences: list[str]) -> None:
    expected = [sentence.replace("CPUS", str(two_nodes.cpus)) for sentence in sentences]
    assert facts.unmet(needs, two_nodes) == expected


@pytest.mark.parametrize(
    ("file", "modes"),
    [
        ("flags/parallel", ["parallel"]),
        ("flags/concurrent", ["concurrent", "parallel+concurrent"]),
        ("flags/offload", ["dma"]),
        ("exchange_pages", ["exchange"]),
    ],
)
def test_modes_of_a_kernel_with_the_series(two_nodes: facts.Facts, file: str, modes: list[str]) -> None:
    host = replace(two_nodes, dialect_files=(f"/sys/kernel/mm/migration_accel/{file}",))
    assert [mode for mode in facts.MODE_FILES if not facts.unmet(Needs(mode=mode), host)] == [
        mode for mode in facts.MODE_FILES if mode in modes
    ]


def test_similarity(two_nodes: facts.Facts) -> None:
    bigger = replace(two_nodes, nodes=(two_nodes.nodes[0], replace(two_nodes.nodes[1], memory=64 * GIB)))
    other = replace(two_nodes, machine="aarch64", release="6.1")
    assert differences(two_nodes, replace(two_nodes, boot_id="x"), kernels=True) == []
    assert "memory: " in differences(two_nodes, bigger, kernels=True)[0]
    assert len(differences(two_nodes, other, kernels=True)) == 2
    assert differences(two_nodes, other, kernels=False) == [f"architecture: aarch64, not {two_nodes.machine}"]
    assert reference_host({"a": other, "b": two_nodes, "c": two_nodes}, kernels=True) == "b"
    assert reference_host({"a": other, "b": two_nodes}, kernels=True) == "a"
