"""Facts about a host: gathered in one round trip by ``facts.sh``, and compared with an experiment's needs."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.resources import files

from orchestrator.cpu_lists import format_cpus
from orchestrator.environments import Environment
from orchestrator.experiment.model import Needs
from orchestrator.hosts import instruction_clock
from orchestrator.hosts.base import Host
from orchestrator.hosts.command import Command, script
from orchestrator.hosts.facts_model import Facts, NumaNode
from orchestrator.hosts.facts_parser import parse
from orchestrator.units import format_size

__all__ = ["Facts", "NumaNode", "command", "environment", "gather", "parse", "unmet"]

MIB = 1 << 20
CLOUDS = ("amazon", "google", "microsoft", "oracle", "alibaba", "equinix", "packet", "openstack", "ibm cloud")
CLOUD_ASSET_TAGS = ("OracleCloud.com", "7783-7084-3265-9085-8269-3286-77")  # Oracle's, Azure's
QEMU_MACHINES = ("linux,dummy-virt", "emulated by qemu")
"""Words in the device trees of QEMU's machines for arm64 and ppc64le."""
QEMU_MAX_CPU = ("0x00", "0x051")
"""Implementer and part of QEMU's arm64 CPU `max` without KVM. Other arm64 CPUs are the same under KVM and TCG."""

_SERIES = "/sys/kernel/mm/migration_accel"
_RFC_2017 = ("/proc/sys/vm/use_all_dma_chans", "/proc/sys/vm/limit_mt_num")
MODE_FILES: Mapping[str, tuple[str, ...]] = {
    "parallel": (
        f"{_SERIES}/flags/parallel",
        "/proc/sys/vm/mt_page_copy",
        "/proc/sys/vm/accel_page_copy",
        "/proc/sys/vm/use_mt_copy",
        "/sys/kernel/cpu_mt",
        "/sys/kernel/cpu_mt_copy",
    ),
    "concurrent": (f"{_SERIES}/flags/concurrent", *_RFC_2017),
    "parallel+concurrent": (f"{_SERIES}/flags/concurrent", *_RFC_2017),
    "exchange": (f"{_SERIES}/exchange_pages", *_RFC_2017),
    "dma": (
        f"{_SERIES}/flags/offload",
        "/proc/sys/vm/use_all_dma_chans",
        "/sys/kernel/dcbm",
        "/sys/module/dcbm",
    ),
}
"""By mode: files of which a kernel with this mode has at least one. They rule out a host early; only the benchmark's
probes show that the mode works."""


def command() -> Command:
    """Return the command that gathers all facts."""
    return script((files(__package__) / "facts.sh").read_text())


def ask(host: Host) -> str:
    """Return the output of :func:`command`; of a host that only prints its commands: that of one with unknown facts."""
    printed = host.run(command()).stdout
    return printed if host.executes else "boot=unknown\nuname.release=unknown\n"


def gather(host: Host) -> Facts:
    """Ask a host. Raises ``HostError`` where it cannot be asked or does not answer as a Linux host does."""
    return parse(ask(host))


def environment(facts: Facts, rented: bool = False) -> Environment:
    """Return the environment as far as facts show it. What the provider knows takes precedence.

    The clock source shows a guest under KVM, the CPU model one under TCG, and the kernel command line its instruction
    clock. Other guests are ``vm-other``.

    :param rented: whether the host is a machine of a cloud. Bare metal of OpenStack has the names of its vendor.
    """
    in_qemu = any(name in facts.device_tree for name in QEMU_MACHINES)
    is_guest = (
        in_qemu
        or "hypervisor" in facts.cpu_flags
        or bool(facts.hypervisor_type)
        or "QEMU" in facts.dmi_vendor
        or "Virtual Machine" in facts.dmi_product
    )
    counts_instructions = instruction_clock.PARAMETER in facts.command_line.split()
    emulated = Environment.VM_ICOUNT if counts_instructions else Environment.VM_TCG
    has_kvm_clock = "kvm-clock" in facts.clocksources
    if in_qemu and facts.machine.startswith("ppc64"):  # a guest under KVM sees its hypervisor
        return Environment.VM_KVM if "linux,kvm" in facts.device_tree else emulated
    if is_guest or has_kvm_clock:
        if in_qemu and (facts.cpu_vendor, facts.cpu_part) == QEMU_MAX_CPU:
            return emulated
        if "QEMU TCG CPU" in facts.cpu_model or ("QEMU Virtual CPU" in facts.cpu_model and not has_kvm_clock):
            return emulated
        return Environment.VM_KVM if has_kvm_clock else Environment.VM_OTHER
    vendor = facts.dmi_vendor.lower()
    in_cloud = rented or any(cloud in vendor for cloud in CLOUDS) or facts.dmi_asset_tag in CLOUD_ASSET_TAGS
    return Environment.CLOUD_METAL if in_cloud else Environment.METAL


def unmet(needs: Needs, facts: Facts) -> list[str]:
    """Return the needs that a host does not meet, one message each. Nodes without memory do not count."""
    messages = []
    if facts.cpus < needs.cpus:
        messages.append(f"needs {_count(needs.cpus, 'CPU')}, host has {facts.cpus}")
    nodes = [node for node in facts.nodes if node.memory]
    if len(nodes) < needs.numa_nodes:
        messages.append(f"needs {_count(needs.numa_nodes, 'NUMA node')}, host has {len(nodes)}")
    else:
        messages += _unmet_on_nodes(needs, facts, nodes)
    mode_files = MODE_FILES.get(needs.mode, ())
    if mode_files and not set(mode_files) & set(facts.dialect_files):
        messages.append(
            f"needs a kernel with the mode {needs.mode} (one of {', '.join(mode_files)}); host runs {facts.release}"
        )
    return messages


def _unmet_on_nodes(needs: Needs, facts: Facts, nodes: list[NumaNode]) -> list[str]:
    messages = []
    missing = set(needs.nodes) - {node.id for node in nodes}
    if missing:
        shown = format_cpus(node.id for node in nodes)
        messages.append(f"needs memory on NUMA node {format_cpus(missing)}, host has it on {shown}")
    if needs.memory_per_node:
        found = {node.id: node.available for node in nodes}
        enough = sum(size >= needs.memory_per_node for size in found.values())
        if enough < needs.numa_nodes:
            shown = ", ".join(f"node {node} has {_whole_mebibytes(size)}" for node, size in found.items())
            messages.append(
                f"needs {format_size(needs.memory_per_node)} of free memory"
                f" on {_count(needs.numa_nodes, 'NUMA node')}; {shown}"
            )
    if needs.free_huge_pages_per_node:
        size = facts.default_huge_page
        pages = {node.id: node.free_huge_pages.get(size, 0) for node in nodes}
        enough = sum(count >= needs.free_huge_pages_per_node for count in pages.values())
        if enough < needs.numa_nodes:
            shown = ", ".join(f"node {node} has {count}" for node, count in pages.items())
            messages.append(
                f"needs {_count(needs.free_huge_pages_per_node, 'free huge page')} of {format_size(size)}"
                f" on {_count(needs.numa_nodes, 'NUMA node')}; {shown}"
            )
    return messages


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _whole_mebibytes(size: int) -> str:
    return format_size(size // MIB * MIB)
