"""Measure a command with all that it starts: wall time and CPU time."""

from __future__ import annotations

import ctypes
import os
import resource
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from msgspec import Struct

_PR_SET_CHILD_SUBREAPER = 36


class Usage(Struct, frozen=True):
    """Seconds of wall time and of CPU time."""

    wall: float
    cpu: float


def adopt_orphans() -> None:
    """Become the parent of what commands leave behind, such as the masters of ssh, so that its CPU time counts."""
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def cpu_of_children() -> float:
    """Return the CPU time of all children that have ended and were waited for, with their own."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def children() -> set[int]:
    """Return the pids of all children."""
    return {
        int(pid)
        for task in Path("/proc/self/task").iterdir()
        for pid in (task / "children").read_text().split()
    }


def _environment() -> dict[str, str]:
    """Return the environment without what makes a Python program measure its coverage."""
    return {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE_")}


def measure(
    argv: Sequence[str],
    folder: Path,
    environment: Mapping[str, str] | None = None,
    output: Path | None = None,
) -> Usage:
    """Run a command, end what it leaves behind, and return what both took. ``RuntimeError`` if it fails."""
    earlier, cpu, began = children(), cpu_of_children(), time.monotonic()
    log = folder / "log"
    with log.open("wb") as errors, (output or folder / "output").open("wb") as stream:
        process = subprocess.Popen(
            argv,
            cwd=folder,
            env=_environment() | dict(environment or {}),
            stdin=subprocess.DEVNULL,
            stdout=stream,
            stderr=errors,
        )
        code = process.wait()
    wall = time.monotonic() - began
    while left := children() - earlier:
        for pid in left:
            os.kill(pid, signal.SIGTERM)
            os.waitpid(pid, 0)
    if code:
        raise RuntimeError(f"exit code {code}: {' '.join(argv)}\n{log.read_text(errors='replace')[-2000:]}")
    return Usage(wall, cpu_of_children() - cpu)
