"""A dry run: the run itself, on hosts that print each command instead of executing it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from orchestrator.errors import BadInput
from orchestrator.execution.coordinator import execute
from orchestrator.execution.run import Run
from orchestrator.execution.stopping import Stop
from orchestrator.hosts.base import Provider
from orchestrator.hosts.printing import PrintingProvider
from orchestrator.plan import Plan
from orchestrator.plan.model import Block
from orchestrator.results.records import BlockRecord, Record, TrialRecord
from orchestrator.units import plural

RUN_NAME = "RUN"
"""Stands for the id of the run in commands."""


def dry_run(plan: Plan, provider: Provider, cache: Path, say: Callable[[str], None]) -> None:
    """Print, block by block, the commands of a run; no host is contacted.

    What depends on a host's output (whether it has a compiler, what its settings are) is shown as for a host that
    prints nothing. Of a fleet whose hosts share the cells each block is shown once, whole.
    """
    if provider.batch is not None:
        raise BadInput(
            f"--dry-run: the {provider.name} provider cannot do this yet; `orchestrate plan` lists the blocks"
        )
    printing = PrintingProvider(provider, say)
    execute(
        Run(RUN_NAME, plan, printing, _NoJournal(), _Headings(plan, provider, say), Stop(), Path(), cache)
    )


class _NoJournal:
    """Keeps no record."""

    def append(self, record: Record) -> None:
        """Drop it."""


class _Headings:
    """Prints a comment before the commands of each block."""

    def __init__(self, plan: Plan, provider: Provider, say: Callable[[str], None]) -> None:
        self._plan = plan
        self._provider = provider
        self._say = say

    def block_begins(self, block: Block, trials: int) -> None:
        """See :class:`~orchestrator.execution.observer.Observer`."""
        hosts = block.host or ", ".join(self._provider.hosts) or self._provider.name
        at_most = "at most " if self._plan.may_end_early(block) else ""
        shards = ", in shards" if self._provider.hosts and not block.host else ""
        words = (
            f"kernel {block.kernel}, boot {block.boot}, {at_most}{plural(trials, 'trial')}{shards}, {hosts}"
        )
        self._say(f"# block {block.index}: {words}")

    def run_begins(self, trials: int, done: int) -> None:
        """Nothing to print."""

    def host_ready(self, record: BlockRecord) -> None:
        """Nothing to print."""

    def trial_ends(self, record: TrialRecord) -> None:
        """Nothing to print."""

    def note(self, text: str) -> None:
        """Print it as a comment."""
        self._say(f"# {text}")
