"""What the section ``tuning`` asks of a host, as files of ``/proc/sys`` and ``/sys`` with their values."""

from __future__ import annotations

from collections.abc import Iterator

from orchestrator.errors import BadInput
from orchestrator.spec.document import Node, Place
from orchestrator.spec.draft import Draft
from orchestrator.spec.levels import level, setting_text
from orchestrator.spec.model import Setting, Tuning
from orchestrator.units import parse_size

_THP = "/sys/kernel/mm/transparent_hugepage"
Placed = tuple[Place, Setting]


def sysctl_path(name: str) -> str:
    """Return the file of a sysctl: ``vm.swappiness`` is ``/proc/sys/vm/swappiness``."""
    return f"/proc/sys/{name.replace('.', '/')}"


def tuning(draft: Draft) -> Tuning:
    """Read the section; two values for one file are a fault."""
    settings: dict[str, Setting] = {}
    sources = (_sysctl, _sysfs, _transparent_hugepages, _hugepages, _numa_balancing, _cpu, _irqs)
    for place, setting in (placed for source in sources for placed in source(draft)):
        known = settings.setdefault(setting.path, setting)
        if known.value != setting.value:
            draft.fault(place, f"{setting.path} is also set to {known.value}; it can hold one value only")
    return Tuning(tuple(settings.values()), str(draft.value("tuning", "placement", "cpus", default="")))


def _sysctl(draft: Draft) -> Iterator[Placed]:
    for name, node in draft.members("tuning", "sysctl"):
        yield node.place, Setting(sysctl_path(name), setting_text(level(node)))


def _sysfs(draft: Draft) -> Iterator[Placed]:
    for path, node in draft.members("tuning", "sysfs"):
        yield node.place, Setting(path, setting_text(level(node)))


def _transparent_hugepages(draft: Draft) -> Iterator[Placed]:
    section = ("tuning", "transparent_hugepages")
    for key, node in draft.members(*section):
        if key != "sizes":
            yield node.place, Setting(f"{_THP}/{key}", str(node.content))
    for size, node in draft.members(*section, "sizes"):
        folder = _folder(draft, size, *section, "sizes")
        if folder:
            yield node.place, Setting(f"{_THP}/{folder}/enabled", str(node.content))


def _hugepages(draft: Draft) -> Iterator[Placed]:
    section = ("tuning", "hugepages")
    for size, node in draft.members(*section):
        folder = _folder(draft, size, *section)
        if not folder:
            continue
        if not isinstance(node.content, dict):
            yield node.place, Setting(f"/sys/kernel/mm/hugepages/{folder}/nr_hugepages", str(node.content))
        for numa_node, count in draft.members(*section, size):
            path = f"/sys/devices/system/node/node{int(numa_node)}/hugepages/{folder}/nr_hugepages"
            yield count.place, Setting(path, str(count.content))


def _numa_balancing(draft: Draft) -> Iterator[Placed]:
    node = draft.get("tuning", "numa_balancing")
    if node:
        yield node.place, Setting("/proc/sys/kernel/numa_balancing", str(int(node.content is True)))


def _cpu(draft: Draft) -> Iterator[Placed]:
    governor, turbo = draft.get("tuning", "cpu", "governor"), draft.get("tuning", "cpu", "turbo")
    folder = "/sys/devices/system/cpu"
    if governor:
        path = f"{folder}/cpu*/cpufreq/scaling_governor"
        yield governor.place, Setting(path, str(governor.content), optional=True)
    if turbo:
        allowed = turbo.content is True
        yield turbo.place, Setting(f"{folder}/intel_pstate/no_turbo", str(int(not allowed)), optional=True)
        yield turbo.place, Setting(f"{folder}/cpufreq/boost", str(int(allowed)), optional=True)


def _irqs(draft: Draft) -> Iterator[Placed]:
    node: Node | None = draft.get("tuning", "placement", "irqs")
    if node:
        yield node.place, Setting("/proc/irq/*/smp_affinity_list", str(node.content), optional=True)


def _folder(draft: Draft, size: str, *section: str) -> str | None:
    """Return the kernel's name for a page size, such as ``hugepages-2048kB``."""
    try:
        kilobytes, rest = divmod(parse_size(size), 1024)
        if rest or kilobytes & (kilobytes - 1) or kilobytes < 4:
            raise BadInput(f"'{size}' is not the size of a page")
    except BadInput as error:
        draft.fault(draft.node.key_place(*section, size), str(error))
        return None
    return f"hugepages-{kilobytes}kB"
