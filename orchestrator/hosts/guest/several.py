"""Several guests on this machine at the same time: how many it can run, and their names."""

from __future__ import annotations

import math
import os
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

SHARE_OF_MEMORY = 0.8
"""Of the available memory, for guests; the rest is for what the controller builds."""
OVERHEAD = 256 * 1024**2
"""Bytes of memory of QEMU itself, translated code included."""
CONTROL_GROUPS = Path("/sys/fs/cgroup")


def most_guests(memory: int, groups: Path = CONTROL_GROUPS, own: Path = Path("/proc/self/cgroup")) -> int:
    """Return how many guests with so many bytes of memory can run here, each of which keeps one CPU busy: 1 or more.

    :param groups: where control groups (v2) are, whose limits count too; ``own``: a file with that of this process.
    """
    cpus, available = _left_by_groups(groups, own)
    fitting = SHARE_OF_MEMORY * min(available, available_memory()) // (memory + OVERHEAD)
    return max(1, int(min(len(os.sched_getaffinity(0)), cpus, fitting)))


def available_memory() -> int:
    """Return the bytes of memory that new programs can use here without swapping."""
    found = re.search(r"^MemAvailable: +(\d+) kB$", Path("/proc/meminfo").read_text(), re.MULTILINE)
    return int(found[1]) * 1024 if found else 0


def _left_by_groups(groups: Path, own: Path) -> tuple[float, float]:
    """Return the CPUs and the bytes of memory that the limits of the group and those above leave."""
    cpus = memory = math.inf
    found = re.search(r"^0::/(.*)$", own.read_text(), re.MULTILINE) if own.exists() else None
    folder = groups / (found[1] if found else "")
    for group in (folder, *folder.parents):
        quota, _, period = _content(group / "cpu.max").partition(" ")
        if quota.isdigit() and period.isdigit():
            cpus = min(cpus, int(quota) / int(period))
        limit = _content(group / "memory.max")
        if limit.isdigit():
            memory = min(memory, int(limit) - int(_content(group / "memory.current") or 0))
        if group == groups:
            break
    return cpus, memory


def _content(file: Path) -> str:
    try:
        return file.read_text().strip()
    except OSError:
        return ""


class Names:
    """Names of guests that run at the same time: ``guest``, ``guest-2``, ``guest-3``."""

    def __init__(self) -> None:
        self._taken: set[str] = set()
        self._lock = threading.Lock()

    @contextmanager
    def take(self) -> Iterator[str]:
        """Provide the first free name for the length of the context."""
        with self._lock:
            names = ("guest" if number == 1 else f"guest-{number}" for number in count(1))
            name = next(name for name in names if name not in self._taken)
            self._taken.add(name)
        try:
            yield name
        finally:
            with self._lock:
                self._taken.remove(name)
