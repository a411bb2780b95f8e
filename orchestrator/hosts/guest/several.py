"""Several guests on this machine at the same time: how many it can run, and their names."""

from __future__ import annotations

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


def most_guests(memory: int) -> int:
    """Return how many guests with so many bytes of memory can run here, each of which keeps one CPU busy: 1 or more."""
    fitting = int(SHARE_OF_MEMORY * _available_memory() // (memory + OVERHEAD))
    return max(1, min(len(os.sched_getaffinity(0)), fitting))


def _available_memory() -> int:
    found = re.search(r"^MemAvailable: +(\d+) kB$", Path("/proc/meminfo").read_text(), re.MULTILINE)
    return int(found[1]) * 1024 if found else 0


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
