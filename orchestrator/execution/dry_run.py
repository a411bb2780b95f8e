"""A dry run: the run itself, on hosts that print each command instead of executing it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from orchestrator.execution.coordinator import execute
from orchestrator.execution.rights import needs_root
from orchestrator.execution.run import Run
from orchestrator.execution.stopping import Stop
from orchestrator.hosts.printing import PrintingProvider
from orchestrator.hosts.provider import Provider
from orchestrator.hosts.remote.folder import ROOT_BASE
from orchestrator.plan import Plan
from orchestrator.plan.model import Block
from orchestrator.results.records import BlockRecord, Record, TrialRecord
from orchestrator.units import plural

USER_BASE = "~/.orchestrate"

RUN_NAME = "RUN"
"""Stands for the id of the run in commands."""


def dry_run(
    plan: Plan,
    provider: Provider,
    cache: Path,
    say: Callable[[str], None],
    hosts: Sequence[str] | None = None,
) -> None:
    """Print, host by host and block by block, the commands of a run; no host is contacted.

    What depends on a host's output (whether it has a compiler, what its settings are) is shown as for a host that
    prints nothing. Hosts that share the cells are each shown with whole blocks: the shards depend on their speed.

    :param hosts: those of a fleet; None: all.
    """
    for host in (provider.hosts if hosts is None else hosts) or ("",):
        for line in setup(plan, provider, host):
            say(f"# {line}")
        printing = PrintingProvider(provider, say, host)
        headings = _Headings(plan, host or provider.name, is_sharded=bool(host) and not plan.hosts, say=say)
        run = Run(RUN_NAME, plan, printing, _NoJournal(), headings, Stop(), Path(), cache)
        for block in plan.blocks():
            if block.host not in ("", host):
                run.assume_finished(block)
        execute(run)


def setup(plan: Plan, provider: Provider, host: str) -> Iterator[str]:
    """Yield where a run would execute the commands, and what is assumed of the user there."""
    yield f"host: {provider.shown(host)}"
    if provider.creates_hosts:
        return
    others = (
        "use sudo, without a password" if needs_root(plan.experiment) else f"have {USER_BASE} for {ROOT_BASE}"
    )
    yield f"assumed: the user there is root; others {others}"
    if not host and len(provider.candidates) > 1:
        yield f"assumed: it is {provider.candidates[0]}"
    if provider.uses_inventory and not provider.candidates and provider.batch is None:
        yield "assumed: the inventory has no variables of it; only Slurm knows its name"


class _NoJournal:
    """Keeps no record."""

    def append(self, *records: Record) -> None:
        """Drop it."""


class _Headings:
    """Prints a comment before the commands of each block."""

    def __init__(self, plan: Plan, host: str, *, is_sharded: bool, say: Callable[[str], None]) -> None:
        self._plan = plan
        self._host = host
        self._is_sharded = is_sharded
        self._say = say

    def block_begins(self, block: Block, trials: int) -> None:
        """See :class:`~orchestrator.execution.observer.Observer`."""
        at_most = "at most " if self._is_sharded or self._plan.may_end_early(block) else ""
        shards = ", in shards" if self._is_sharded else ""
        words = f"kernel {block.kernel}, boot {block.boot}, {at_most}{plural(trials, 'trial')}{shards}, {self._host}"
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
