"""Whether machines are similar enough to compare what was measured on them, by their facts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Struct

MEMORY_TOLERANCE = 0.05
"""Relative. Firmware reserves a different amount of memory on each machine."""


class Traits(Struct, frozen=True):
    """What must be alike.

    :ivar words: by name, in the order in which differences are reported; ``memory`` is in bytes.
    """

    words: Mapping[str, str]
    memory: int


def traits(facts: Mapping[str, Any], environment: str, *, kernel: bool) -> Traits:
    """Return the traits of a machine.

    :param facts: as in the journal, see :class:`~orchestrator.results.records.BlockRecord`.
    :param kernel: whether its running kernel is one; not useful if other kernels are booted.
    """
    memory = [int(node.get("memory", 0)) for node in facts.get("nodes", ())]
    words = {
        "architecture": str(facts.get("machine", "")),
        "CPU": str(
            facts.get("cpu_part") or facts.get("cpu_model", "")
        ),  # the name depends on the host's lscpu
        "CPUs": str(facts.get("cpus", "")),
        "NUMA nodes": str(sum(1 for size in memory if size)),
        "environment": environment,
    }
    if kernel:
        words["kernel"] = f"{facts.get('release', '')} {facts.get('version', '')}"
    return Traits(words, sum(memory))


def differences(reference: Traits, other: Traits) -> list[str]:
    """Return how ``other`` differs from ``reference``, one message each; empty if they are similar."""
    messages = [
        f"{name}: {other.words[name]}, not {expected}"
        for name, expected in reference.words.items()
        if other.words[name] != expected
    ]
    if abs(reference.memory - other.memory) > MEMORY_TOLERANCE * max(reference.memory, other.memory):
        messages.append(f"memory: {other.memory >> 20} MiB, not {reference.memory >> 20} MiB")
    return messages
