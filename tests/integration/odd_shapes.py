"""Machines of odd shapes: a sysfs of regular files, seen in a mount namespace of its own."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from orchestrator.cpu_lists import format_cpus


@dataclass(frozen=True)
class Node:
    """A NUMA node: its CPUs and KiB of memory."""

    id: int
    cpus: Sequence[int]
    memory: int = 4 << 20


SHAPES = {
    "one CPU": [Node(0, [0]), Node(1, [])],
    "memory only": [Node(0, [0, 1]), Node(1, []), Node(2, [])],
    "CPUs only": [Node(0, [0], 0), Node(1, [1])],
    "gaps": [Node(0, [0]), Node(8, [1]), Node(252, []), Node(1023, [])],
    "no node 0": [Node(4, [0]), Node(5, [1]), Node(6, []), Node(7, [])],
    "64 nodes": [Node(n, [n]) for n in range(64)],
    "1100 CPUs": [Node(0, range(0, 1100, 2)), Node(1, range(1, 1100, 2))],
}
"""Power has gaps in node numbers or no node 0 (numactl#106, pcp#748), GPUs and CXL have memory only, and machines with
many sockets alternate CPUs."""


class OddMachine:
    """Runs commands that see the nodes of a shape; skips the test without root or mount namespaces."""

    def __init__(self, nodes: Sequence[Node], folder: Path) -> None:
        if os.geteuid() != 0 or subprocess.run(("unshare", "--mount", "true"), check=False).returncode:
            pytest.skip("requires root and mount namespaces")
        self._folder = folder
        distances = {
            (a.id, b.id): 10 if a is b else 20 + abs(a.id - b.id) % 200 for a in nodes for b in nodes
        }
        for node in nodes:
            self._write(f"node/node{node.id}/cpulist", format_cpus(node.cpus))
            row = " ".join(str(distances[node.id, other.id]) for other in nodes)
            self._write(f"node/node{node.id}/distance", row)
            free = node.memory // 2
            meminfo = {"MemTotal": node.memory, "MemFree": free, "Inactive(file)": 0}
            lines = [f"Node {node.id} {name}: {size} kB" for name, size in meminfo.items()]
            self._write(f"node/node{node.id}/meminfo", "\n".join(lines))
        self._write("node/online", format_cpus(node.id for node in nodes))
        self._write("cpu/online", format_cpus(cpu for node in nodes for cpu in node.cpus))

    def _write(self, path: str, text: str) -> None:
        file = self._folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"{text}\n")

    def run(self, *words: str | Path) -> subprocess.CompletedProcess[str]:
        """Run a command to its end."""
        system = "/sys/devices/system"
        mount = f"mount --bind '{self._folder}/node' {system}/node && "
        mount += f"mount --bind '{self._folder}/cpu' {system}/cpu && exec \"$@\""
        prefix = ("unshare", "--mount", "--propagation", "private", "sh", "-c", mount, "sh")
        return subprocess.run((*prefix, *map(str, words)), capture_output=True, text=True, check=False)
