"""Map settings of a host to files of ``/proc/sys`` and ``/sys``.

The section ``tuning`` of an experiment and the task modules of the same names use these functions, so both have the
same syntax. Each function reads one section that is valid by its schema.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from orchestrator.documents.document import Node
from orchestrator.errors import BadInput, Position
from orchestrator.experiment.levels import list_text, read_level, setting_text
from orchestrator.experiment.model import Setting
from orchestrator.units import parse_size

_THP = "/sys/kernel/mm/transparent_hugepage"
_CPU = "/sys/devices/system/cpu"
IRQ_AFFINITY = "/proc/irq/*/smp_affinity_list"
PlacedSetting = tuple[Position, Setting]


def sysctl_path(name: str) -> str:
    """Return the path of a sysctl: ``vm.swappiness`` is ``/proc/sys/vm/swappiness``.

    As in sysctl(8), the first separator decides: in ``net/ipv4/conf/eth0.100/forwarding`` dots are part of a name, in
    ``net.ipv4.conf.eth0/100.forwarding`` a slash stands for such a dot.
    """
    first = next((character for character in name if character in "./"), ".")
    return "/proc/sys/" + (name if first == "/" else name.translate(str.maketrans("./", "/.")))


def sysctl_name(path: str) -> str:
    """Return the name of a sysctl for its path; other paths unchanged. With slashes if a part of it has a dot."""
    inner = path.removeprefix("/proc/sys/")
    return inner.replace("/", ".") if inner != path and "." not in inner else inner


def sysctl(section: Node) -> Iterator[PlacedSetting]:
    """Read values by name, with dots or with slashes."""
    for name, node in section.mapping().items():
        path = sysctl_path(name)
        yield node.position, Setting(path, setting_text(read_level(node), path))


def sysfs(section: Node) -> Iterator[PlacedSetting]:
    """Read values by path."""
    for path, node in section.mapping().items():
        yield node.position, Setting(path, setting_text(read_level(node), path))


def transparent_hugepages(section: Node) -> Iterator[PlacedSetting]:
    """Read files of ``transparent_hugepage``; ``sizes`` are per size, ``khugepaged`` is ``khugepaged/defrag``."""
    for key, node in section.mapping().items():
        if key not in ("sizes", "khugepaged"):
            yield node.position, Setting(f"{_THP}/{key}", str(node.content))
    folders = _folders(section, "sizes")
    for size, node in section.mapping("sizes").items():
        yield node.position, Setting(f"{_THP}/{folders[size]}/enabled", str(node.content))
    khugepaged = section.get("khugepaged")
    if khugepaged:
        yield khugepaged.position, Setting(f"{_THP}/khugepaged/defrag", str(int(khugepaged.content is True)))


def hugepages(section: Node) -> Iterator[PlacedSetting]:
    """Read pools of huge pages by size: a count for the host, or counts by NUMA node."""
    folders = _folders(section)
    for size, node in section.mapping().items():
        folder = folders[size]
        if not isinstance(node.content, dict):
            yield node.position, Setting(f"/sys/kernel/mm/hugepages/{folder}/nr_hugepages", str(node.content))
        for numa_node, count in node.mapping().items():
            path = f"/sys/devices/system/node/node{int(numa_node)}/hugepages/{folder}/nr_hugepages"
            yield count.position, Setting(path, str(count.content))


def numa_balancing(node: Node) -> Iterator[PlacedSetting]:
    """Read ``numa_balancing``. Without CONFIG_NUMA_BALANCING there is no such file, and it is off."""
    on = node.content is True
    yield node.position, Setting(sysctl_path("kernel.numa_balancing"), str(int(on)), off_if_missing=not on)


def cpu(section: Node) -> Iterator[PlacedSetting]:
    """Read settings of CPUs. All are optional, as few hosts have all of these files."""
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


def irqs(cpus: Node) -> Iterator[PlacedSetting]:
    """Read the CPUs that handle interrupts. Optional, as some interrupts cannot be moved."""
    yield cpus.position, Setting(IRQ_AFFINITY, list_text(cpus.text), optional=True)


def _folders(section: Node, *path: str) -> dict[str, str]:
    """Return the directory name, such as ``hugepages-2048kB``, for each page size that is a key of the mapping."""
    folders: dict[str, str] = {}
    faults = []
    for size in section.mapping(*path):
        try:
            kilobytes, rest = divmod(parse_size(size), 1024)
            if rest or kilobytes & (kilobytes - 1) or kilobytes < 4:
                raise BadInput(f"'{size}' is not a page size")
            folders[size] = f"hugepages-{kilobytes}kB"
        except BadInput as error:
            faults.append(section.key_position(*path, size).fault(str(error)))
    if faults:
        raise BadInput(*faults)
    return folders
