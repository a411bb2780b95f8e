"""Settings of a host as people write them, and the files of ``/proc/sys`` and ``/sys`` that they mean.

The section ``tuning`` of an experiment and the task modules of the same names are read here, so a setting is written
in the same way in both. Each function reads one section that its schema has nothing against.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from orchestrator.documents.document import Node
from orchestrator.errors import BadInput, Position
from orchestrator.experiment.levels import level, setting_text
from orchestrator.experiment.model import Setting
from orchestrator.units import parse_size

_THP = "/sys/kernel/mm/transparent_hugepage"
_CPU = "/sys/devices/system/cpu"
Placed = tuple[Position, Setting]


def sysctl_path(name: str) -> str:
    """Return the file of a sysctl: ``vm.swappiness`` is ``/proc/sys/vm/swappiness``."""
    return f"/proc/sys/{name.replace('.', '/')}"


def sysctl(section: Node) -> Iterator[Placed]:
    """Values by dotted name."""
    for name, node in section.mapping().items():
        yield node.position, Setting(sysctl_path(name), setting_text(level(node)))


def sysfs(section: Node) -> Iterator[Placed]:
    """Values by path."""
    for path, node in section.mapping().items():
        yield node.position, Setting(path, setting_text(level(node)))


def transparent_hugepages(section: Node) -> Iterator[Placed]:
    """Files of ``transparent_hugepage``, those of single sizes under ``sizes``, khugepaged's under ``khugepaged``."""
    for key, node in section.mapping().items():
        if key not in ("sizes", "khugepaged"):
            yield node.position, Setting(f"{_THP}/{key}", str(node.content))
    folders = _folders(section, "sizes")
    for size, node in section.mapping("sizes").items():
        yield node.position, Setting(f"{_THP}/{folders[size]}/enabled", str(node.content))
    khugepaged = section.get("khugepaged")
    if khugepaged:
        yield khugepaged.position, Setting(f"{_THP}/khugepaged/defrag", str(int(khugepaged.content is True)))


def hugepages(section: Node) -> Iterator[Placed]:
    """Pools by size: a count for the host, or counts by NUMA node."""
    folders = _folders(section)
    for size, node in section.mapping().items():
        folder = folders[size]
        if not isinstance(node.content, dict):
            yield node.position, Setting(f"/sys/kernel/mm/hugepages/{folder}/nr_hugepages", str(node.content))
        for numa_node, count in node.mapping().items():
            path = f"/sys/devices/system/node/node{int(numa_node)}/hugepages/{folder}/nr_hugepages"
            yield count.position, Setting(path, str(count.content))


def numa_balancing(switch: Node) -> Iterator[Placed]:
    """Whether the kernel moves pages by itself; one that cannot does not."""
    on = switch.content is True
    yield switch.position, Setting(sysctl_path("kernel.numa_balancing"), str(int(on)), off_if_missing=not on)


def cpu(section: Node) -> Iterator[Placed]:
    """Frequency, sleep and siblings of the CPUs; all of it optional, as few hosts have all of it."""
    for key, node in section.mapping().items():
        for path, value in _CPU_FILES[key](node):
            yield node.position, Setting(f"{_CPU}/{path}", value, optional=True)


def _turbo(node: Node) -> Iterator[tuple[str, str]]:
    allowed = node.content is True
    yield "intel_pstate/no_turbo", str(int(not allowed))
    yield "cpufreq/boost", str(int(allowed))


def _deepest_idle_state(node: Node) -> Iterator[tuple[str, str]]:
    assert isinstance(node.content, int)
    for state in range(10):
        yield f"cpu*/cpuidle/state{state}/disable", str(int(state > node.content))


_CPU_FILES: Mapping[str, Callable[[Node], Iterator[tuple[str, str]]]] = {
    "governor": lambda node: iter([("cpu*/cpufreq/scaling_governor", str(node.content))]),
    "turbo": _turbo,
    "deepest_idle_state": _deepest_idle_state,
    "smt": lambda node: iter([("smt/control", "on" if node.content is True else "off")]),
}


def irqs(cpus: Node) -> Iterator[Placed]:
    """CPUs that serve interrupts; one that cannot be moved stays where it is."""
    yield cpus.position, Setting("/proc/irq/*/smp_affinity_list", str(cpus.content), optional=True)


def _folders(section: Node, *path: str) -> dict[str, str]:
    """Return the kernel's name for each page size that the mapping at ``path`` has as a key: ``hugepages-2048kB``."""
    folders: dict[str, str] = {}
    faults = []
    for size in section.mapping(*path):
        try:
            kilobytes, rest = divmod(parse_size(size), 1024)
            if rest or kilobytes & (kilobytes - 1) or kilobytes < 4:
                raise BadInput(f"'{size}' is not the size of a page")
            folders[size] = f"hugepages-{kilobytes}kB"
        except BadInput as error:
            faults.append(section.key_position(*path, size).fault(str(error)))
    if faults:
        raise BadInput(*faults)
    return folders
