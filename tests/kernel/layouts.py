"""The guests that the series is proven in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

PATIENCE = "rcupdate.rcu_cpu_stall_timeout=300"
"""Where 16 CPUs share two busy ones, those that queue for a spinlock do not run when their turn comes: each lock then
takes seconds, and after 21 of them RCU takes that for a hang. A real one still ends the test."""


@dataclass(frozen=True)
class Layout:
    """Nodes of a guest, as (CPUs, MiB), the kernel that runs on them, and their architecture if it is not ours."""

    nodes: tuple[tuple[int, int], ...]
    kernel: Literal["accel", "debug"] = "accel"
    append: str = ""
    arch: str = ""
    machine: str = ""
    """Options of QEMU's machine."""

    @property
    def options(self) -> dict[str, Any]:
        """The options of the qemu provider: emulated CPUs that really run at once."""
        nodes = [{"cpus": cpus, "memory": f"{memory}MiB"} for cpus, memory in self.nodes]
        append = f"{PATIENCE} {self.append}"
        machine = {"arch": self.arch, "options": self.machine}
        return {
            "machine": {key: value for key, value in machine.items() if value},
            "nodes": nodes,
            "clock": "wall",
            "acceleration": "tcg",
            "append": append,
        }

    def cpus(self, node: int) -> range:
        """Numbers of the CPUs of a node."""
        first = sum(cpus for cpus, _ in self.nodes[:node])
        return range(first, first + self.nodes[node][0])


LAYOUTS: Mapping[str, Layout] = {
    "two_nodes": Layout(((8, 384), (8, 384)), append="softdma.channels=16"),
    "four_nodes": Layout(((2, 256), (2, 256), (2, 256), (2, 256))),
    "memory_only": Layout(((4, 512), (0, 128)), append="softdma.channels=4"),
    "one_cpu": Layout(((1, 256), (1, 256))),
    "isolated": Layout(((3, 256), (4, 256)), append="isolcpus=domain,5,6"),
    "debug": Layout(((4, 768), (4, 512)), "debug"),
    "debug_memory_only": Layout(((4, 768), (0, 192)), "debug"),
    "arm64": Layout(((3, 512), (3, 512)), append="softdma.channels=4", arch="arm64", machine="mte=on"),
    "arm64_debug": Layout(((2, 1024), (2, 768)), "debug", arch="arm64"),
    "ppc64le": Layout(((3, 768), (3, 768)), append="softdma.channels=4", arch="ppc64le"),
}
