"""Put a review together."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from orchestrator.errors import BadInput
from orchestrator.execution.rights import needs_root
from orchestrator.experiment.model import Experiment
from orchestrator.hosts.printing import printing_machine
from orchestrator.hosts.provider import Provider
from orchestrator.plan import Plan
from orchestrator.provision.bounds import TooMuch, bounded
from orchestrator.review import commands, controller, hosts, kernels, roles, trials
from orchestrator.review.model import Entry, Review, Section
from orchestrator.review.places import Places

OWN_COMMANDS = "Commands of orchestrate itself on each host"


def review(plan: Plan, where: Sequence[str], provider: Provider, results: Path, cache: Path) -> Review:
    """Return everything that a run would do. Connects to no host, executes nothing of the experiment, fetches nothing.

    :param where: the predicates of the plan.
    :param results: the results directory of the run; ``cache``: the cache directory of the controller.
    """
    experiment = plan.experiment
    places = Places(experiment.file)
    root = needs_root(experiment)
    machines = [printing_machine(provider, host, lambda _: None) for host in provider.candidates or ("",)]
    tasks = tuple(
        entry for role in experiment.roles for entry in roles.entries(role, machines, cache, root=root)
    )
    told = frozenset(_told(tasks))
    sections = {
        "Hosts": hosts.entries(plan, provider, machines, places),
        "Kernels": _bounded_kernels(experiment, provider, places),
        "Settings": trials.settings(experiment, places),
        "Roles": tasks,
        "Trials": trials.entries(plan, places, root=root),
        "Collected": trials.collected(experiment, places),
        "Limits": trials.limits(experiment, places),
        "Controller": controller.entries(plan, provider, results, cache),
        OWN_COMMANDS: commands.entries(plan, where, provider, cache, told),
    }
    return Review(
        experiment.name,
        str(experiment.file),
        experiment.content_hash,
        tuple(Section(title, tuple(entries)) for title, entries in sections.items()),
    )


def _bounded_kernels(experiment: Experiment, provider: Provider, places: Places) -> list[Entry]:
    try:
        with bounded("reading its kernels"):
            return list(kernels.entries(experiment, provider, places))
    except TooMuch as error:
        raise BadInput(f"{experiment.file}: {error}") from None


def _told(tasks: Sequence[Entry]) -> Iterator[str]:
    for entry in tasks:
        yield from entry.commands
