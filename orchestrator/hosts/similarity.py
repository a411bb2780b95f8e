"""Whether hosts are similar enough to compare their results."""

from __future__ import annotations

from collections.abc import Mapping

from orchestrator.hosts.facts import environment
from orchestrator.hosts.facts_model import Facts

MEMORY_TOLERANCE = 0.05
"""Relative. Firmware reserves a different amount of memory on each machine."""


def differences(reference: Facts, other: Facts, *, kernels: bool) -> list[str]:
    """Return how ``other`` differs from ``reference``, one message each; empty if they are similar.

    :param kernels: whether to compare the running kernels; not useful if the run boots other ones.
    """
    expected, actual = _traits(reference, kernels), _traits(other, kernels)
    messages = [
        f"{name}: {actual[name]}, not {expected[name]}" for name in expected if actual[name] != expected[name]
    ]
    memory = [sum(node.memory for node in facts.nodes) for facts in (reference, other)]
    if abs(memory[0] - memory[1]) > MEMORY_TOLERANCE * max(memory):
        messages.append(f"memory: {memory[1] >> 20} MiB, not {memory[0] >> 20} MiB")
    return messages


def reference_host(facts: Mapping[str, Facts], *, kernels: bool) -> str:
    """Return the name of the host that is similar to most others; the first of several."""

    def similar_hosts(name: str) -> int:
        return sum(not differences(facts[name], other, kernels=kernels) for other in facts.values())

    return max(facts, key=similar_hosts)


def _traits(facts: Facts, kernels: bool) -> dict[str, str]:
    traits = {
        "architecture": facts.machine,
        "CPU": facts.cpu_part or facts.cpu_model,  # the name depends on the lscpu of the host
        "CPUs": str(facts.cpus),
        "NUMA nodes": str(sum(1 for node in facts.nodes if node.memory)),
        "environment": str(environment(facts)),
    }
    return traits | ({"kernel": f"{facts.release} {facts.version}"} if kernels else {})
