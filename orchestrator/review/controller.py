"""What a run writes and executes on the controller."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from orchestrator.execution.provider_checks import estimate
from orchestrator.hosts.provider import Provider
from orchestrator.plan import Plan
from orchestrator.review.model import Entry


def entries(plan: Plan, provider: Provider, results: Path, cache: Path) -> Iterator[Entry]:
    """Yield the directories that are written to, and what is started. Builds are in the sections of what is built."""
    yield Entry(f"results: {results / plan.experiment.name}/RUN, and {results}/index.sqlite")
    yield Entry(f"cache: {cache}: kernels, packages, programs that were built or fetched")
    if provider.creates_hosts and not provider.rents:
        yield Entry(f"QEMU, as the user: {provider.shown()}", cautions=("controller",))
    quote = provider.quote(estimate(plan, provider).seconds)
    if quote is not None:
        yield Entry(f"rented: {quote}")
