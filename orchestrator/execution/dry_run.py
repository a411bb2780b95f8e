"""A rehearsal: the very commands of a run, printed instead of executed."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from orchestrator.execution.visit import Visit, needs_root
from orchestrator.hosts.base import Machine, Provider
from orchestrator.hosts.printing import PrintingHost
from orchestrator.hosts.remote.folder import HostFolder
from orchestrator.hosts.remote.lock import release, take
from orchestrator.plan import Plan
from orchestrator.provision.apply import result_lines
from orchestrator.provision.engine import run_role
from orchestrator.provision.loading import load
from orchestrator.provision.target import Target
from orchestrator.units import plural


def look(plan: Plan, provider: Provider, cache: Path, say: Callable[[str], None]) -> None:
    """Connect to each host and print what roles and tuning would change; nothing but our own folder is changed."""
    experiment = plan.experiment
    block = next(iter(plan.blocks()))
    kernel = next(kernel for kernel in experiment.kernels if kernel.name == block.kernel)
    with tempfile.TemporaryDirectory() as logs, _machines(provider, Path(logs)) as machines:
        for machine in machines:
            host = machine.reconnect() if machine.keeps_files else machine.boot(kernel)
            folder = HostFolder(host, root=needs_root(experiment))
            folder.bring_scripts()
            target = Target(
                host, folder.base, cache, folder.sudo, machine.variables, machine.groups, check=True
            )
            for role in experiment.roles:
                for outcome in run_role(target, load(role)):
                    for line in result_lines(host.name, outcome, check=True):
                        say(line)
            for change in folder.check(experiment.tuning.settings):
                say(f"{host.name}: tuning: {change.path}: {change.before} → {change.asked}")


@contextmanager
def _machines(provider: Provider, logs: Path) -> Iterator[Sequence[Machine]]:
    """All machines of a fleet, or the one."""
    if provider.hosts:
        with provider.machines(logs) as machines:
            yield machines
    else:
        with provider.machine(logs) as machine:
            yield [machine]


def rehearse(plan: Plan, provider: Provider, cache: Path, say: Callable[[str], None]) -> None:
    """Print, block by block, what a run would do on its host; no host is touched.

    What depends on the host's answers (whether it has a compiler, what its settings are now) is shown as for a host
    that answers nothing.
    """
    for block in plan.blocks():
        trials = plural(plan.trials_in(block), "trial")
        name = block.host or ", ".join(provider.hosts) or provider.name
        at_most = "at most " if plan.may_end_early(block) else ""
        dealt = ", in shares" if provider.hosts and not block.host else ""
        say(
            f"# block {block.index}: kernel {block.kernel}, boot {block.boot}, {at_most}{trials}{dealt}, {name}"
        )
        host = PrintingHost(name, say)
        visit = Visit(host, plan.experiment, f"RUN-{block.index}")
        visit.bring_scripts()
        holder = take(visit.ours, "RUN")
        visit.restore()
        visit.provision(cache)
        visit.find_programs(plan.programs)
        visit.tune()
        visit.start(plan.trials(block))
        list(visit.follow())
        visit.restore()
        visit.clean()
        release(visit.ours, holder)
