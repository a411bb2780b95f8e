"""A rehearsal: the very commands of a run, printed instead of executed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from orchestrator.execution.visit import Visit
from orchestrator.hosts.base import Provider
from orchestrator.hosts.printing import PrintingHost
from orchestrator.plan import Plan


def rehearse(plan: Plan, provider: Provider, cache: Path, say: Callable[[str], None]) -> None:
    """Print, block by block, what a run would do on its host; no host is touched.

    What depends on the host's answers (whether it has a compiler, what its settings are now) is shown as for a host
    that answers nothing.
    """
    for block in plan.blocks():
        trials = plan.trials_in(block)
        say(
            f"# block {block.index}: kernel {block.kernel}, boot {block.boot}, {trials} trials, {provider.name}"
        )
        host = PrintingHost(provider.name, say)
        visit = Visit(host, plan.experiment, f"RUN-{block.index}")
        visit.bring_scripts()
        visit.restore()
        visit.provision(cache)
        visit.tune()
        visit.start(plan.trials(block))
        list(visit.follow())
        visit.restore()
        visit.clean()
