"""Unique ids of processes on this machine. Unlike pids, they are never reused."""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path


@cache
def pid_namespace() -> str:
    """Return an id of the current boot and pid namespace."""
    boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    return f"{boot}/{os.stat('/proc/self/ns/pid').st_ino}"  # noqa: PTH116 - Path.stat would do the same


def identity(pid: int | str) -> str:
    """Return an id of a running process, from its pid and start time; empty if there is none."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return ""
    return "" if fields[0] == "Z" else f"{pid}-{fields[19]}"
