"""Layout of a guest: nodes, distances, clock, acceleration. The `hosts.qemu` section of an experiment file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from msgspec import Struct
from msgspec.structs import replace

from orchestrator import architectures
from orchestrator.architectures import Architecture
from orchestrator.errors import BadInput
from orchestrator.experiment.model import Kernel
from orchestrator.hosts.guest.platforms import platform_of
from orchestrator.units import format_size, parse_size, plural

LOCAL_DISTANCE = 10
"""Distance of a node to itself, by the ACPI specification (SLIT)."""

SMALLEST_NODE = 64 * 1024**2
SMALLEST_GUEST = 256 * 1024**2
"""Bytes. A stock kernel does not boot with less, or leaves no memory for migration."""

OPTIONS_SCHEMA: Mapping[str, Any] = {
    "type": "object",
    "description": "Run in a NUMA guest under QEMU.",
    "additionalProperties": False,
    "properties": {
        "machine": {
            "type": "object",
            "description": "The machine that QEMU emulates.",
            "additionalProperties": False,
            "properties": {
                "arch": {
                    "enum": list(architectures.ARCHITECTURES),
                    "description": "Architecture of the guest. Default: that of this machine.",
                },
                "options": {
                    "type": "string",
                    "pattern": "^[a-z][A-Za-z0-9_.,=-]*$",
                    "description": "Additional options of QEMU's machine, such as mte=on on arm64.",
                },
            },
        },
        "nodes": {
            "type": "array",
            "description": "The NUMA nodes of the guest, from node 0. Default: two nodes of 2 CPUs and 1GiB each.",
            "minItems": 1,
            "maxItems": 128,
            "items": {
                "type": "object",
                "additionalProperties": False,
                "required": ["memory"],
                "properties": {
                    "cpus": {
                        "type": "integer",
                        "minimum": 0,
                        "maximum": 64,
                        "default": 2,
                        "description": "CPUs of the node; 0 makes a node of memory only. Such nodes come last.",
                    },
                    "memory": {
                        "type": ["string", "integer"],
                        "description": "Memory of the node, such as 1GiB: whole MiB, 64MiB or more; on ppc64le a "
                        "multiple of 256MiB. 0: CPUs only.",
                    },
                },
            },
        },
        "distances": {
            "type": "array",
            "description": "Distance from node (row) to node (column), as in SLIT: 10 to itself, 11-254 to others.",
            "items": {"type": "array", "items": {"type": "integer", "minimum": 10, "maximum": 254}},
        },
        "clock": {
            "enum": ["wall", "instructions", "auto"],
            "default": "auto",
            "description": "What the guest's clock counts. auto: wall with KVM, executed instructions without it.",
        },
        "acceleration": {
            "enum": ["kvm", "tcg", "auto"],
            "default": "auto",
            "description": "auto: KVM if a test guest boots under it, else software emulation (TCG).",
        },
        "cpu": {
            "type": "string",
            "pattern": "^[A-Za-z0-9][A-Za-z0-9_.,+=-]*$",
            "default": "max",
            "description": "CPU model and features of QEMU; on ppc64le, max is power9. Under TCG, erms and fsrm are "
            "disabled.",
        },
        "programs": {
            "type": "array",
            "uniqueItems": True,
            "items": {"type": "string", "minLength": 1},
            "description": "Programs of this machine, by name or absolute path, to copy into the guest.",
        },
        "parallel": {
            "type": ["string", "integer"],
            "pattern": "^auto$",
            "minimum": 1,
            "maximum": 64,
            "title": "auto or a number of guests, from 1 to 64",
            "default": "auto",
            "description": "Guests that run at once, each with a block of its own. auto: as many as the CPUs and "
            "the memory of this machine can run, if the guests' clock counts instructions, else 1.",
        },
        "append": {
            "type": "string",
            "description": "Additional kernel parameters of the guest.",
        },
    },
}


class GuestNode(Struct, frozen=True):
    """One NUMA node: number of CPUs and bytes of memory. One of the two may be 0."""

    cpus: int
    memory: int


class Layout(Struct, frozen=True):
    """The layout of a guest.

    :ivar distances: empty for the defaults of the kernel (10 and 20).
    :ivar arch: name of the architecture; empty: that of this machine.
    :ivar machine_options: appended to those of QEMU's machine.
    """

    nodes: tuple[GuestNode, ...] = (GuestNode(2, 1024**3), GuestNode(2, 1024**3))
    distances: tuple[tuple[int, ...], ...] = ()
    clock: Literal["wall", "instructions", "auto"] = "auto"
    acceleration: Literal["kvm", "tcg", "auto"] = "auto"
    cpu: str = "max"
    programs: tuple[str, ...] = ()
    append: str = ""
    arch: str = ""
    machine_options: str = ""

    @property
    def architecture(self) -> Architecture:
        """The architecture of the guest."""
        return architectures.find(self.arch)

    def __str__(self) -> str:
        sizes = ", ".join(f"{plural(node.cpus, 'CPU')} and {format_size(node.memory)}" for node in self.nodes)
        return f"{plural(len(self.nodes), 'NUMA node')} ({sizes})"

    @property
    def cpus(self) -> int:
        """Number of CPUs of the guest."""
        return sum(node.cpus for node in self.nodes)

    @property
    def memory(self) -> int:
        """Bytes of memory of the guest."""
        return sum(node.memory for node in self.nodes)

    def kernel(self, kernel: Kernel) -> Kernel:
        """Return a kernel for the architecture of the guest."""
        return replace(kernel, architecture=self.arch)


def parse_layout(options: Mapping[str, Any]) -> Layout:
    """Return the layout of options that are valid by :data:`OPTIONS_SCHEMA`; ``BadInput`` names all other errors."""
    values = dict(options)
    values.pop("parallel", None)  # of several guests
    machine = values.pop("machine", {})
    values["arch"] = machine.get("arch", "")
    values["machine_options"] = machine.get("options", "")
    faults: list[str] = []
    if "nodes" in values:
        step = platform_of(architectures.find(values["arch"])).memory_step
        values["nodes"] = tuple(
            _node(index, node, step, faults) for index, node in enumerate(values["nodes"])
        )
    values["distances"] = tuple(tuple(row) for row in values.get("distances", ()))
    values["programs"] = tuple(values.get("programs", ()))
    layout = Layout(**values)
    faults += [
        *_node_faults(layout, is_sound=not faults),
        *_distance_faults(layout.distances, len(layout.nodes)),
    ]
    if layout.clock == "instructions" and layout.acceleration == "kvm":
        faults.append("clock: instructions cannot be combined with acceleration: kvm")
    if faults:
        raise BadInput(*(f"hosts.qemu.{fault}" for fault in faults))
    return layout


def _node(index: int, options: Mapping[str, Any], step: int, faults: list[str]) -> GuestNode:
    memory = SMALLEST_NODE
    try:
        memory = parse_size(options["memory"])
    except BadInput as error:
        faults.append(f"nodes[{index}].memory: {error}")
    cpus = options.get("cpus", 2)
    if memory == 0 and cpus == 0:
        faults.append(f"nodes[{index}]: a node needs CPUs or memory")
    elif memory and (memory < SMALLEST_NODE or memory % step):
        smallest = format_size(max(SMALLEST_NODE, step))
        faults.append(
            f"nodes[{index}].memory: {options['memory']} must be a multiple of {format_size(step)}, at least {smallest}"
        )
    return GuestNode(cpus, memory)


def _node_faults(layout: Layout, is_sound: bool) -> list[str]:
    """Return the faults of all nodes together; their memory counts if that of each is ``is_sound``."""
    faults = []
    if layout.cpus == 0:
        faults.append("nodes: no node has a CPU")
    if is_sound and layout.memory < SMALLEST_GUEST:
        faults.append("nodes: a guest needs at least 256MiB in total")
    last = max((index for index, node in enumerate(layout.nodes) if node.cpus), default=0)
    first = next((index for index, node in enumerate(layout.nodes) if not node.cpus), last)
    if first < last:
        faults.append(
            f"nodes[{first}]: a node without CPUs before a node with CPUs; Linux numbers the nodes with CPUs first, "
            "so write nodes without CPUs last"
        )
    return faults


def _distance_faults(distances: Sequence[Sequence[int]], nodes: int) -> list[str]:
    if not distances:
        return []
    if len(distances) != nodes or any(len(row) != nodes for row in distances):
        expected = f"{plural(nodes, 'row')} of {plural(nodes, 'number')}, one for each node"
        found = ", ".join(str(len(row)) for row in distances)
        return [f"distances: expected {expected}; found {plural(len(distances), 'row')} ({found})"]
    faults = []
    for i, row in enumerate(distances):
        for j, distance in enumerate(row):
            if (i == j) != (distance == LOCAL_DISTANCE):
                expected = "10 (a node to itself)" if i == j else "more than 10 (between nodes)"
                faults.append(f"distances[{i}][{j}]: expected {expected}, found {distance}")
    return faults
