"""Executes a run: blocks on one machine or several, all hosts of a fleet at once, or the jobs of a batch system."""

from __future__ import annotations

import logging

from orchestrator.errors import HostError, Interrupted
from orchestrator.execution import leftovers
from orchestrator.execution.block import BlockRun
from orchestrator.execution.fleet import execute_on_fleet
from orchestrator.execution.interruptions import leaving_in_time
from orchestrator.execution.jobs.coordinator import execute_as_jobs
from orchestrator.execution.provider_checks import seconds_left
from orchestrator.execution.run import Run
from orchestrator.execution.side_by_side import execute_side_by_side
from orchestrator.execution.stopping import after, time_left
from orchestrator.hosts.base import Machine

log = logging.getLogger(__name__)

MAX_INTERRUPTED = 3
"""So many machines in a row may be interrupted before a trial ends there; each of them costs money."""


def execute(run: Run) -> None:
    """Run all blocks of the plan. Raises ``Interrupted`` when the user wants it to stop, and what a host raises."""
    # Machines that boot kernels and stay boot their own one again at the end.
    keeps_kernel = run.provider.boots_kernels and not run.provider.creates_hosts
    run.stop.waits_for_end = run.provider.rents or keeps_kernel
    run.stop.host_answers = run.provider.always_answers
    if run.provider.batch is not None:
        execute_as_jobs(run, run.provider.batch)
        return
    run.provider.note = run.observer.note
    run.provider.stopped_by = lambda: run.stop.by
    run.provider.duration = seconds_left(run.plan, run.provider, run.finished_count)
    if run.provider.creates_hosts and not any(run.has_pending(block) for block in run.plan.blocks()):
        run.provider.give_back(run.folder)
        return
    if run.provider.is_fleet:
        execute_on_fleet(run)
        return
    if run.provider.at_once > 1 and run.experiment.repetitions.until is None:
        pending = [block for block in run.plan.blocks() if run.has_pending(block)]
        if len(pending) > 1:
            execute_side_by_side(run, pending, min(run.provider.at_once, len(pending)))
            return
    interrupted = 0
    while interrupted < MAX_INTERRUPTED:
        finished = run.finished_count
        try:
            _execute_on_machine(run)
        except (HostError, Interrupted) as error:
            if not run.stop.go_on():
                raise
            log.info("%s", error)
            interrupted = 0 if run.finished_count > finished else interrupted + 1
        else:
            return
    raise HostError(
        f"{interrupted} spot instances in a row were interrupted before a trial ended; "
        "list other types, or set spot: false"
    )


def _execute_on_machine(run: Run) -> None:
    with run.provider.machine(run.folder) as machine:
        try:
            with (
                after(run.stop, time_left(machine.deadline, run.experiment), machine.deadline_is),
                leaving_in_time(run.stop, machine, run.observer.note),
            ):
                _run_blocks(run, machine)
        finally:
            run.let_go(machine)


def _run_blocks(run: Run, machine: Machine) -> None:
    for block in run.plan.blocks():
        if run.has_pending(block):
            run.observer.block_begins(block, sum(1 for _ in run.pending(block)))
            BlockRun(run, machine, block).execute()
    leftovers.clean_up(run, machine)
