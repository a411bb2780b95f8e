"""Where the trials of a run were made, and what was not swept in them, in words for readers."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from orchestrator.report import text
from orchestrator.report.model import Report
from orchestrator.results.records import BlockRecord

_SEVERAL = 3
"""From so many values on an option that is no factor is said to vary."""


@dataclass(frozen=True, slots=True)
class Place:
    """A host as it was in some of a run's boots, in words; what the host does not tell is empty.

    :ivar nodes: one line for each NUMA node; ``distances``: between them, as firmware tells them.
    :ivar beneath: of a guest of ours: the emulator, and the machine under it.
    """

    host: str
    environment: str
    clock: str
    cpu: str
    cpus: int
    nodes: tuple[str, ...]
    distances: str
    beneath: str
    governors: str
    microcode: str
    boots: int

    @property
    def line(self) -> str:
        """All of it in one line."""
        parts = [self.cpu, f"{self.cpus} CPUs" if self.cpus else ""]
        if self.nodes:
            parts.append(
                f"{len(self.nodes)} NUMA node{'s' * (len(self.nodes) > 1)} ({'; '.join(self.nodes)})"
            )
        told = ", ".join(part for part in parts if part)
        return f"{told}; {self.beneath}" if self.beneath else told


def places(report: Report) -> list[Place]:
    """Return the hosts of a run, each once for all boots in which it was the same."""
    alike: dict[Place, set[str]] = {}
    for block in report.blocks:
        alike.setdefault(_place(block), set()).add(block.boot)
    return [replace(place, boots=len(boots)) for place, boots in alike.items()]


def options(report: Report) -> dict[str, str]:
    """Return the benchmark's options that are no factors, as they were in force, defaults included."""
    found: dict[str, dict[str, None]] = {}
    for request in report.requests.values():
        for name, value in request.items():
            if name not in report.factors:
                found.setdefault(name, {})[value] = None
    return {
        name: " or ".join(values) if len(values) < _SEVERAL else f"{len(values)} values"
        for name, values in found.items()
    }


def _place(block: BlockRecord) -> Place:
    facts = block.facts
    return Place(
        host=block.host,
        environment=block.environment,
        clock=block.clock,
        cpu=" ".join(str(facts.get("cpu_model", "")).split()),
        cpus=facts.get("cpus", 0),
        nodes=tuple(_nodes(facts)),
        distances=_distances(facts),
        beneath=_beneath(block.beneath),
        governors=", ".join(map(str, facts.get("governors", {}))),
        microcode=str(facts.get("microcode", "")),
        boots=0,
    )


def _nodes(facts: Mapping[str, Any]) -> Iterator[str]:
    for node in facts.get("nodes", ()):
        cpus = f"CPUs {node['cpus']}" if node.get("cpus") else "no CPU"
        yield f"{cpus}, {text.size(node['memory'])}" if node.get("memory") else cpus


def _distances(facts: Mapping[str, Any]) -> str:
    rows = [node.get("distances", ()) for node in facts.get("nodes", ())]
    return "; ".join(" ".join(map(str, row)) for row in rows) if len(rows) > 1 and all(rows) else ""


def _beneath(told: Mapping[str, str]) -> str:
    if not told:
        return ""
    version = re.search(r"\d+(\.\d+)+", told.get("qemu", ""))
    emulator = f"QEMU {version[0]}" if version else "QEMU"
    kernel = f", Linux {told['kernel']}" if told.get("kernel") else ""
    return f"{emulator} on {told.get('cpu') or 'an unknown CPU'}{kernel}"
