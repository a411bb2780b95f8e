"""What ``probe.sh`` prints of a host."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.resources import files

from msgspec import Struct

from orchestrator.execution.host_journal import Busy
from orchestrator.hosts.base import Host
from orchestrator.hosts.command import script
from orchestrator.hosts.remote.folder import ROOT_BASE

LIMIT_S = 30.0
"""For one round trip. The script takes a second."""

IDLE_TICKS = 2
"""Hundredths of a second in which an idle CPU may work in a second, as the runner judges before a trial."""

BUSIEST = 5


class HugePages(Struct, frozen=True):
    """Pages of one size: numbers, and whether the number can be set."""

    free: int
    total: int
    settable: bool


class HostState(Struct, frozen=True):
    """A host at one moment.

    :ivar huge_pages: by page size in bytes.
    :ivar dma_channels: all, and ``free_channels`` of them; ``dma_drivers``: their drivers.
    :ivar perf: whether the kernel has performance events; ``counters``: its hardware counters of CPUs.
    :ivar programs: those of make, cc, taskset, sudo and apt-get that it has.
    :ivar folder: our directory; ``disk``: free bytes for it, None: unknown.
    :ivar working: CPUs that were not idle for a second, of ``cpus``; ``busy``: the processes that used most.
    """

    huge_pages: Mapping[int, HugePages]
    dma_channels: int
    free_channels: int
    dma_drivers: tuple[str, ...]
    perf: bool
    counters: tuple[str, ...]
    programs: frozenset[str]
    folder: str
    disk: int | None
    working: int
    cpus: int
    busy: tuple[Busy, ...]


def look(host: Host) -> HostState:
    """Ask a host. ``HostError`` where it cannot be asked; lines that are not understood are left out."""
    text = (files(__package__) / "probe.sh").read_text()
    return parse(host.run(script(text, ROOT_BASE, time_limit=LIMIT_S)).stdout)


def parse(printed: str) -> HostState:
    """Return what the script has printed."""
    found: dict[str, list[str]] = {}
    worked: list[int] = []
    pages: dict[int, HugePages] = {}
    for line in printed.splitlines():
        key, _, value = line.partition("=")
        kind, _, name = key.partition(".")
        words = value.split()
        if kind == "huge" and _is_number(name) and len(words) == 3:
            pages[int(name) * 1024] = HugePages(_number(words[0]), _number(words[1]), words[2] == "yes")
        elif kind == "worked":
            worked.append(_number(value))
        else:
            found.setdefault(key, []).append(value)
    dma = found.get("dma", [""])[0].split()
    busy = sorted(filter(None, map(_busy, found.get("busy", ()))), key=lambda one: -one.cpus)
    disk = found.get("disk", [""])[0]
    return HostState(
        pages,
        _number(dma[0]) if dma else 0,
        _number(dma[1]) if len(dma) > 1 else 0,
        tuple(dma[2:]),
        "perf" in found,
        tuple(found.get("counters", ())),
        frozenset(found.get("program", ())),
        found.get("folder", [""])[0],
        int(disk) * 1024 if _is_number(disk) else None,
        sum(ticks > IDLE_TICKS for ticks in worked),
        len(worked),
        tuple(one for one in busy if one.cpus * 100 > IDLE_TICKS)[:BUSIEST],
    )


def _busy(value: str) -> Busy | None:
    hundredths, _, rest = value.partition(" ")
    pid, _, command = rest.partition(" ")
    return Busy(command, _number(pid), _number(hundredths) / 100) if command else None


def _number(text: str) -> int:
    return int(text) if _is_number(text) else 0


def _is_number(text: str) -> bool:
    """Whether a text is a number of the kernel: of more digits, Python makes no integer and no fraction."""
    return text.isdecimal() and len(text) <= len(str(2**64))
