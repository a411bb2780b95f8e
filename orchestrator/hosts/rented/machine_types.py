"""Which machine types have which hardware: facts that ship with the program, and what machines reported after boot."""

from __future__ import annotations

import os
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any

import msgspec
import yaml
from msgspec import Struct
from msgspec.structs import replace

from orchestrator.cache import cache_folder
from orchestrator.experiment.model import Needs
from orchestrator.hosts.facts_model import Facts
from orchestrator.units import parse_size


class MachineType(Struct, frozen=True):
    """A type of machine. Zero is unknown.

    :ivar architecture: as in ``uname -m``.
    :ivar memory: in bytes; ``nodes``: NUMA nodes with memory.
    :ivar price: list price in USD per hour; None: unknown. ``price_date``: date of the price list (ISO 8601).
    """

    name: str
    architecture: str
    cpus: int = 0
    memory: int = 0
    nodes: int = 0
    accelerators: tuple[str, ...] = ()
    price: float | None = None
    price_date: str = ""

    def may_meet(self, needs: Needs) -> bool:
        """Whether a machine of this type can meet the needs, as far as is known."""
        return (
            (not self.cpus or self.cpus >= needs.cpus)
            and (not self.nodes or self.nodes >= needs.numa_nodes)
            and (not self.memory or self.memory // (self.nodes or needs.numa_nodes) >= needs.memory_per_node)
        )


class _Reported(Struct):
    """What a machine of a type has reported, in a file beside the cache."""

    cpus: int
    nodes: int
    memory: int


def shipped(cloud: str) -> Mapping[str, MachineType]:
    """Return the types of a cloud by name, with what machines of these types have reported on this controller."""
    document = yaml.safe_load((files(__package__) / f"{cloud}.yaml").read_text(encoding="utf-8"))
    types = {name: _read(name, entry, document) for name, entry in document["types"].items()}
    reported = _reported(cloud)
    return {name: _corrected(one, reported.get(name)) for name, one in types.items()}


def learn(cloud: str, name: str, facts: Facts) -> None:
    """Keep what a machine of a type reports beside the cache."""
    nodes = [node for node in facts.nodes if node.memory]
    entry = _Reported(facts.cpus, len(nodes), sum(node.memory for node in nodes))
    path = _learnt_file(cloud)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_suffix(f".{os.getpid()}")
    document = msgspec.json.encode(_reported(cloud) | {name: entry})
    temporary.write_bytes(msgspec.json.format(document, indent=2) + b"\n")
    temporary.rename(path)


def _corrected(one: MachineType, reported: _Reported | None) -> MachineType:
    if reported is None:
        return one
    return replace(one, cpus=reported.cpus, nodes=reported.nodes, memory=reported.memory)


def _learnt_file(cloud: str) -> Path:
    return cache_folder() / "machine-types" / f"{cloud}.json"


def _reported(cloud: str) -> dict[str, _Reported]:
    try:
        document = msgspec.json.decode(_learnt_file(cloud).read_bytes(), type=dict[str, _Reported])
    except (OSError, ValueError, RecursionError):
        return {}
    return document


def _read(name: str, entry: Mapping[str, Any], document: Mapping[str, Any]) -> MachineType:
    return MachineType(
        name,
        architecture=entry["architecture"],
        cpus=entry["cpus"],
        memory=parse_size(entry["memory"]),
        nodes=entry.get("nodes", 0),
        accelerators=tuple(entry.get("accelerators", ())),
        price=entry.get("price"),
        price_date=str(document.get("price_date", "")),
    )
