"""Executes a run: block after block on one machine, all hosts of a fleet at once, or the jobs of a batch system."""

from __future__ import annotations

from orchestrator.execution.block import BlockRun
from orchestrator.execution.fleet import execute_on_fleet
from orchestrator.execution.jobs.coordinator import execute_as_jobs
from orchestrator.execution.run import Run


def execute(run: Run) -> None:
    """Run all blocks of the plan. Raises ``Interrupted`` when the user wants it to stop, and what a host raises."""
    if run.provider.batch is not None:
        execute_as_jobs(run, run.provider.batch)
        return
    if run.provider.hosts:
        execute_on_fleet(run)
        return
    if run.provider.creates_hosts and not any(run.has_pending(block) for block in run.plan.blocks()):
        run.provider.give_back(run.folder)
        return
    with run.provider.machine(run.folder) as machine:
        try:
            for block in run.plan.blocks():
                if run.has_pending(block):
                    run.observer.block_begins(block, sum(1 for _ in run.pending(block)))
                    BlockRun(run, machine, block).execute()
        finally:
            run.let_go(machine)
