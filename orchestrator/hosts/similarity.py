"""Whether hosts are alike: whether a number from one of them can stand beside a number from another."""

from __future__ import annotations

from collections.abc import Mapping

from orchestrator.hosts.facts import environment
from orchestrator.hosts.facts_model import Facts

MEMORY_TOLERANCE = 0.05
"""Firmware takes a little from each machine, and not the same from each."""


def differences(one: Facts, other: Facts, *, kernels: bool) -> list[str]:
    """What ``other`` has that ``one`` has not, one sentence each; empty: they are alike.

    :param kernels: whether the running kernels count, which they do not where others are booted.
    """
    mine, theirs = _traits(one, kernels), _traits(other, kernels)
    found = [f"{name}: {theirs[name]}, not {mine[name]}" for name in mine if mine[name] != theirs[name]]
    memory = [sum(node.memory for node in facts.nodes) for facts in (one, other)]
    if abs(memory[0] - memory[1]) > MEMORY_TOLERANCE * max(memory):
        found.append(f"memory: {memory[1] >> 20} MiB, not {memory[0] >> 20} MiB")
    return found


def reference_host(facts: Mapping[str, Facts], *, kernels: bool) -> str:
    """The name of the host that most others are like; the first of several."""

    def followers(name: str) -> int:
        return sum(not differences(facts[name], other, kernels=kernels) for other in facts.values())

    return max(facts, key=followers)


def _traits(facts: Facts, kernels: bool) -> dict[str, str]:
    traits = {
        "architecture": facts.machine,
        "CPU": facts.cpu_model,
        "CPUs": str(facts.cpus),
        "NUMA nodes": str(sum(1 for node in facts.nodes if node.memory)),
        "environment": str(environment(facts)),
    }
    return traits | ({"kernel": f"{facts.release} {facts.version}"} if kernels else {})
