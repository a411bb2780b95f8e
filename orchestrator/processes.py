"""Processes of this machine by names that are never given away again."""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path


@cache
def pid_namespace() -> str:
    """Names the running kernel and our view of its processes (which a container has for itself)."""
    boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    return f"{boot}/{os.stat('/proc/self/ns/pid').st_ino}"  # noqa: PTH116 - the link leads nowhere else


def identity(pid: int | str) -> str:
    """Names a living process by pid and moment of birth; empty if there is none."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return ""
    return "" if fields[0] == "Z" else f"{pid}-{fields[19]}"
