"""The nodes of a booted guest, compared with those of its layout.

The guest's kernel numbers the nodes. It gives the first numbers to nodes with CPUs, and none to a gap.
"""

from __future__ import annotations

from orchestrator.cpu_lists import format_cpus
from orchestrator.hosts.facts_model import Facts
from orchestrator.hosts.guest.layout import Layout
from orchestrator.units import format_size

RESHAPING = {"numa", "mem", "memmap", "maxcpus", "nr_cpus", "possible_cpus", "nosmp", "acpi"}
"""Kernel parameters that ask for other nodes or CPUs than those of the layout."""


def differences(layout: Layout, facts: Facts) -> list[str]:
    """Return how the guest's nodes differ from the layout, one message each.

    Empty for a layout that is not in the file and with kernel parameters of :data:`RESHAPING`. The kernel keeps some
    memory of each node for itself, so less memory is no difference.
    """
    parameters = {word.partition("=")[0] for word in facts.command_line.split()}
    if layout == Layout() or parameters & RESHAPING:
        return []
    ids = [node.id for node in facts.nodes]
    if ids != list(range(len(layout.nodes))):
        expected = format_cpus(range(len(layout.nodes)))
        return [f"the guest's NUMA nodes are {format_cpus(ids)}; hosts.qemu.nodes has {expected}"]
    messages, first = [], 0
    for index, (asked, found) in enumerate(zip(layout.nodes, facts.nodes, strict=True)):
        cpus = format_cpus(range(first, first + asked.cpus))
        first += asked.cpus
        if found.cpus != cpus:
            messages.append(_differs(index, f"has CPUs {found.cpus or 'none'}", cpus or "none"))
        if found.memory > asked.memory or bool(found.memory) != bool(asked.memory):
            messages.append(_differs(index, f"has {format_size(found.memory)}", format_size(asked.memory)))
        if layout.distances and found.distances != layout.distances[index]:
            shown = " ".join(map(str, found.distances))
            messages.append(
                _differs(index, f"has distances {shown}", " ".join(map(str, layout.distances[index])))
            )
    return messages


def _differs(index: int, found: str, asked: str) -> str:
    return f"the guest's NUMA node {index} {found}; hosts.qemu.nodes[{index}] has {asked}"
