"""``orchestrate run --check``: what roles and tuning would change, as with Ansible's ``--check``.

What a run refuses before its first trial is refused here, with the same message and exit code.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from msgspec.structs import replace

from orchestrator.activities import doing
from orchestrator.errors import ExitCode, HostError
from orchestrator.execution import needs, outcome, placement
from orchestrator.execution.jobs.submission import job_minutes
from orchestrator.execution.launch import UserInterface, build_kernels
from orchestrator.execution.provider_checks import check_provider, seconds_left
from orchestrator.execution.request import RunRequest, check_results
from orchestrator.execution.visit import Visit
from orchestrator.experiment.model import Experiment
from orchestrator.hosts import facts as host_facts
from orchestrator.hosts.base import Machine
from orchestrator.hosts.batch import BatchSystem
from orchestrator.hosts.provider import Provider
from orchestrator.hosts.remote import lock
from orchestrator.kernels.verification import verify
from orchestrator.plan import Plan
from orchestrator.provision.apply import result_lines
from orchestrator.provision.engine import run_role
from orchestrator.provision.loading import load
from orchestrator.provision.target import Target

NO_RUN = "check"
"""Stands for the id of a run that would be new."""


def check(request: RunRequest, interface: UserInterface, say: Callable[[str], None]) -> ExitCode:
    """Connect to each host and print what would change there; only our own folder is written to.

    Returns the exit code of the run as far as it is known before the first trial. Raises what the run would raise. Of
    a fleet whose hosts share the cells, one host that can be used is enough. A batch system is asked whether it would
    accept the jobs: what a node needs is seen when a run prepares on one.
    """
    provider = request.provider
    check_provider(request.plan, provider)
    build_kernels(request.plan, request.provider, interface)
    resumed = check_results(request)
    if provider.batch is not None:
        check_jobs(request.plan, provider.batch, say)
        return ExitCode.OK
    if resumed is None:  # else less is left
        provider.duration = seconds_left(request.plan, provider, 0)
    checker = _Checker(request, resumed.id if resumed else NO_RUN, say)
    refusals: list[HostError] = []
    codes = []
    with tempfile.TemporaryDirectory() as logs, machines(provider, Path(logs)) as held:
        for machine in held:
            try:
                with doing(machine.name, "checking"):
                    codes.append(checker.check(machine))
            except HostError as error:
                refusals.append(error)
    is_enough = codes and request.plan.experiment.hosts.fleet == "shard"
    if refusals and not is_enough:
        raise HostError(*(line for refusal in refusals for line in refusal.lines))
    for refusal in refusals:
        say(f"not used: {refusal}")
    return max(codes)


def check_jobs(plan: Plan, system: BatchSystem, say: Callable[[str], None]) -> None:
    """Ask a batch system whether it would accept the jobs, and say what it answers; ``HostError`` if not."""
    kernels = sorted({block.kernel for block in plan.blocks()})
    trials = max(sum(1 for _ in plan.trials(block)) for block in plan.blocks())
    for line in system.try_jobs(kernels, job_minutes(system, plan.experiment.limits, trials)):
        say(line)


class _Checker:
    """Checks one machine after the other, in the order in which a run would come to an error."""

    def __init__(self, request: RunRequest, run: str, say: Callable[[str], None]) -> None:
        self._request = request
        self._run = run
        self._say = say
        self._block = next(iter(request.plan.blocks()))

    def check(self, machine: Machine) -> ExitCode:
        """Print what would change; return whether trials would run."""
        request, experiment = self._request, self._request.plan.experiment
        kernel = next(kernel for kernel in experiment.kernels if kernel.name == self._block.kernel)
        stays = machine.files_survive_boot  # it is not booted only to be looked at
        with doing("", "booting" if request.provider.boots_kernels and not stays else "connecting"):
            host = machine.reconnect() if stays else machine.boot(kernel)
        visit = Visit(host, experiment, f"{self._run}-{self._block.name}")
        visit.install()
        if not request.break_locks:
            lock.check_free(visit.ours, self._run)
        visit.check_free()
        facts = host_facts.gather(host)
        asked = without_mode(experiment) if stays else experiment
        needs.require(
            host.name,
            asked,
            request.provider,
            facts,
            machine.differences(facts),
            lambda: visit.refusals(request.plan.programs),
        )
        mismatches = "" if stays else verify(machine.identity(kernel), facts, frozenset()).mismatches
        if mismatches:
            self._say(f"{host.name}: {outcome.wrong_kernel_reason(kernel.name, mismatches)}")
            return ExitCode.TRIALS_NOT_OK
        changed = self._check_roles(visit, machine, facts)
        if not changed:  # else a role may install them
            visit.require_programs(request.plan.programs)
        changes = list(visit.ours.check(experiment.tuning.settings))
        for change in changes:
            self._say(f"{host.name}: tuning: {change.path}: {change.before} → {change.requested}")
        placement.check(host, experiment.tuning)
        if not changed and not changes:
            self._say(f"{host.name}: nothing would change")
        return ExitCode.OK

    def _check_roles(self, visit: Visit, machine: Machine, facts: host_facts.Facts) -> bool:
        """Print what roles would change; return whether they would."""
        ours, changed = visit.ours, False
        target = Target(
            visit.host,
            ours.base,
            self._request.cache,
            ours.sudo,
            machine.variables,
            machine.groups,
            facts.document,
            check=True,
        )
        for role in self._request.plan.experiment.roles:
            for task in run_role(target, load(role)):
                changed = changed or bool(task.result.get("changed"))
                for line in result_lines(visit.host.name, task, check=True):
                    self._say(line)
        return changed


def without_mode(experiment: Experiment) -> Experiment:
    """Return the experiment without the need of a mode, which depends on the kernel that is not running yet."""
    return replace(
        experiment, hosts=replace(experiment.hosts, needs=replace(experiment.hosts.needs, mode=""))
    )


@contextmanager
def machines(provider: Provider, logs: Path) -> Iterator[Sequence[Machine]]:
    """Hold all machines of a fleet, or the one; none is booted. ``HostError`` if the one cannot be reached."""
    if provider.is_fleet:
        with provider.machines(logs) as several:
            yield several
    else:
        with provider.machine(logs) as machine:
            yield [machine]
