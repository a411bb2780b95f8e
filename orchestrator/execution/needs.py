"""What an experiment asks of a host, compared with its facts."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from orchestrator.errors import BadInput, HostError
from orchestrator.experiment.model import Experiment
from orchestrator.hosts import facts as host_facts
from orchestrator.hosts.provider import Provider
from orchestrator.hosts.provider_choice import HostOptions, choose_provider

GUEST = "qemu"


def require(
    host: str,
    experiment: Experiment,
    provider: Provider,
    facts: host_facts.Facts,
    more: Sequence[str] = (),
    others: Callable[[], Sequence[str]] = tuple,
) -> None:
    """Raise ``HostError`` with each need that a host does not meet, and what to do if a guest would meet them.

    :param more: further differences between the machine and what the file asks for.
    :param others: returns what else the run would be refused for, in whole lines; asked only if it is refused anyway.
    """
    unmet = [*more, *host_facts.unmet(experiment.hosts.needs, facts)]
    if not unmet:
        return
    lines = [f"{host}: {need}" for need in unmet]
    in_guest = provider.creates_hosts or (provider.batch is not None and provider.batch.guest)
    if not in_guest and _guest_meets(experiment):
        option = f"--set hosts.{provider.name}.guest=true" if provider.batch else f"--provider {GUEST}"
        lines[-1] += f"; to run in a guest that meets the needs: {option}"
    raise HostError(*lines, *others())


def _guest_meets(experiment: Experiment) -> bool:
    """Whether the guest of the file meets the needs that do not depend on its kernel."""
    if experiment.hosts.needs.free_huge_pages_per_node:
        return False
    try:
        choose_provider(experiment, HostOptions(provider=GUEST))
    except BadInput:
        return False
    return True
