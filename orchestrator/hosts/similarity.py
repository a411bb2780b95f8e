"""Which hosts of a fleet are similar enough to share its cells."""

from __future__ import annotations

from collections.abc import Mapping

from orchestrator import hardware
from orchestrator.hosts.facts import environment
from orchestrator.hosts.facts_model import Facts


def differences(reference: Facts, other: Facts, *, kernels: bool) -> list[str]:
    """Return how ``other`` differs from ``reference``, one message each; empty if they are similar.

    :param kernels: whether to compare the running kernels; not useful if the run boots other ones.
    """
    return hardware.differences(_traits(reference, kernels), _traits(other, kernels))


def reference_host(facts: Mapping[str, Facts], *, kernels: bool) -> str:
    """Return the name of the host that is similar to most others; the first of several."""
    traits = {name: _traits(each, kernels) for name, each in facts.items()}

    def similar_hosts(name: str) -> int:
        return sum(not hardware.differences(traits[name], other) for other in traits.values())

    return max(traits, key=similar_hosts)


def _traits(facts: Facts, kernels: bool) -> hardware.Traits:
    return hardware.traits(facts.document, str(environment(facts)), kernel=kernels)
