"""``orchestrate run --check``: what roles and tuning would change, as with Ansible's ``--check``."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from orchestrator.execution.jobs.submission import job_minutes
from orchestrator.execution.visit import needs_root
from orchestrator.hosts.base import Machine, Provider
from orchestrator.hosts.remote.folder import HostFolder
from orchestrator.plan import Plan
from orchestrator.provision.apply import result_lines
from orchestrator.provision.engine import run_role
from orchestrator.provision.loading import load
from orchestrator.provision.target import Target


def check(plan: Plan, provider: Provider, cache: Path, say: Callable[[str], None]) -> None:
    """Connect to each host and print what would change there; only our own folder is written to.

    A batch system is asked whether it would accept the jobs: what a node needs is seen when a run prepares on one.
    """
    experiment = plan.experiment
    if provider.batch is not None:
        kernels = sorted({block.kernel for block in plan.blocks()})
        trials = max(sum(1 for _ in plan.trials(block)) for block in plan.blocks())
        for line in provider.batch.try_jobs(kernels, job_minutes(provider.batch, experiment.limits, trials)):
            say(line)
        return
    block = next(iter(plan.blocks()))
    kernel = next(kernel for kernel in experiment.kernels if kernel.name == block.kernel)
    with tempfile.TemporaryDirectory() as logs, _machines(provider, Path(logs)) as machines:
        for machine in machines:
            host = machine.reconnect() if machine.files_survive_boot else machine.boot(kernel)
            folder = HostFolder(host, root=needs_root(experiment))
            folder.install_scripts()
            target = Target(
                host, folder.base, cache, folder.sudo, machine.variables, machine.groups, check=True
            )
            for role in experiment.roles:
                for task in run_role(target, load(role)):
                    for line in result_lines(host.name, task, check=True):
                        say(line)
            for change in folder.check(experiment.tuning.settings):
                say(f"{host.name}: tuning: {change.path}: {change.before} → {change.requested}")


@contextmanager
def _machines(provider: Provider, logs: Path) -> Iterator[Sequence[Machine]]:
    """Hold all machines of a fleet, or the one."""
    if provider.hosts:
        with provider.machines(logs) as machines:
            yield machines
    else:
        with provider.machine(logs) as machine:
            yield [machine]
