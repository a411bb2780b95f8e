"""Put an examination together: of machines, and of machines for an experiment."""

from __future__ import annotations

import tempfile
from collections.abc import Collection, Iterable
from contextlib import ExitStack
from functools import partial
from pathlib import Path

from orchestrator import architectures
from orchestrator.activities import doing
from orchestrator.doctor import (
    controller,
    devices,
    kvm,
    machine,
    memory,
    needed_guest,
    needed_kernels,
    needed_machine,
)
from orchestrator.doctor.controller import CONTROLLER
from orchestrator.doctor.finding import Examination, Finding, reason_of
from orchestrator.doctor.state import HostState, look
from orchestrator.errors import BadInput, HostError
from orchestrator.execution.check_mode import check_jobs, machines
from orchestrator.execution.fleet import MAX_CONNECTING
from orchestrator.execution.open_files import allow_connections
from orchestrator.execution.provider_checks import check_provider, estimate
from orchestrator.hosts import facts as host_facts
from orchestrator.hosts.base import Host, Machine
from orchestrator.hosts.facts_model import Facts
from orchestrator.hosts.guest.acceleration import remembered_obstacle
from orchestrator.hosts.local import LocalHost
from orchestrator.hosts.provider import Provider
from orchestrator.hosts.selector import LOCAL, HostSelector
from orchestrator.plan import Plan
from orchestrator.threads import of_each


class _Looked:
    """What was found of one host."""

    def __init__(self, host: Host) -> None:
        self.facts: Facts = host_facts.gather(host)
        self.state: HostState = look(host)
        is_here = isinstance(host, LocalHost)
        self.kvm = kvm.finding(host, self.facts, remembered_obstacle() if is_here else None)
        self.findings = (
            *machine.findings(host.name, self.facts, self.state),
            self.kvm,
            *memory.findings(host.name, self.facts, self.state),
            *devices.findings(host.name, self.facts, self.state),
        )

    @property
    def can_run(self) -> bool:
        """Whether trials could run there: what runs them must be there, or be built."""
        architecture = architectures.of_machine(self.facts.machine)
        has_runner = architecture is not None and controller.has_runner(architecture)
        return has_runner or {"make", "cc"} <= self.state.programs


def examine(selector: HostSelector, patterns: Iterable[str], results: Path) -> Examination:
    """Return what this machine and the named hosts can do.

    :param patterns: hosts and groups; none: this machine.
    :param results: the directory of results.
    """
    found = [*controller.findings(results)]
    can_run = False
    for name, looked in selector.run_on_each(selector.names([*patterns] or [LOCAL]), _Looked):
        if isinstance(looked, HostError):
            found.append(_unreachable(name, looked, needed=False))
        else:  # a guest on this machine needs more
            can_run = can_run or looked.can_run
            found += looked.findings
    return Examination("", can_run, tuple(found))


def examine_for(plan: Plan, provider: Provider, results: Path) -> Examination:
    """Return whether an experiment can run with a provider, and what its machines can do."""
    found = [*controller.findings(results), _provider(plan, provider)]
    found += needed_kernels.findings(plan.experiment, provider)
    if provider.batch is not None:
        found.append(_jobs(plan, provider))
    elif provider.rents:
        price = provider.quote(estimate(plan, provider).seconds)
        found.append(
            Finding(provider.name, "cloud", "ok", f"not asked; the run would rent {price or 'a machine'}")
        )
    elif provider.creates_hosts:
        here = _Looked(LocalHost(LOCAL))
        # Trials run in a guest, which has an environment of its own.
        found += (finding for finding in here.findings if finding.subject != machine.ENVIRONMENT)
        found += needed_guest.findings(plan, here.kvm)
    else:
        of_machines = _of_machines(plan, provider)
        found += [finding for each in of_machines for finding in each]
        if plan.experiment.hosts.fleet == "shard" and any(not _lacks(each) for each in of_machines):
            can_run = not _lacks(one for one in found if one.host == CONTROLLER)
            return Examination(plan.experiment.name, can_run, _distinct(found))
    return Examination(plan.experiment.name, not _lacks(found), _distinct(found))


def _distinct(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Return one finding of each subject of a machine: the one for the experiment, which comes last."""
    return tuple({(one.host, one.subject): one for one in findings}.values())


def _lacks(findings: Iterable[Finding]) -> bool:
    return any(finding.needed and finding.verdict == "missing" for finding in findings)


def _provider(plan: Plan, provider: Provider) -> Finding:
    """What a run would refuse before it contacts a host."""
    try:
        check_provider(plan, provider)
    except BadInput as error:
        return Finding(CONTROLLER, "experiment", "missing", reason_of(error), needed=True)
    return Finding(CONTROLLER, "experiment", "ok", f"{plan.experiment.name}: runs on {provider.shown()}")


def _jobs(plan: Plan, provider: Provider) -> Finding:
    assert provider.batch is not None
    lines: list[str] = []
    try:
        check_jobs(plan, provider.batch, lines.append)
    except HostError as error:
        return Finding(provider.name, "jobs", "missing", reason_of(error), needed=True)
    return Finding(provider.name, "jobs", "ok", "; ".join(lines))


def _of_machines(plan: Plan, provider: Provider) -> list[list[Finding]]:
    """Return the findings of each machine that a run would use, which are examined at the same time."""
    try:
        with ExitStack() as stack:
            logs = stack.enter_context(tempfile.TemporaryDirectory())
            with doing(", ".join(provider.candidates), "connecting"):  # a fleet connects below
                held = stack.enter_context(machines(provider, Path(logs)))
            allow_connections(len(held))
            return list(of_each(MAX_CONNECTING, partial(_of_machine, plan, provider), held))
    except HostError as error:
        return [
            [_unreachable(name, _about(name, error, provider.candidates))]
            for name in provider.candidates or (provider.name,)
        ]


def _of_machine(plan: Plan, provider: Provider, one: Machine) -> list[Finding]:
    with doing(one.name, "connecting") as activity:
        try:
            host = one.reconnect()
            activity.change("waiting for its answer")
            looked = _Looked(host)
            found = list(looked.findings)
            found += needed_machine.findings(plan, provider, one, host, looked.facts, looked.state)
        except HostError as error:
            return [_unreachable(one.name, error)]
    return found


def _about(name: str, error: HostError, names: Collection[str]) -> str:
    """Return what an error that lists several hosts says of one."""
    lines = str(error).splitlines()
    own = [line for line in lines if line.startswith(f"{name}: ")]
    return "\n".join(own if own and len(names) > 1 else lines)


def _unreachable(name: str, error: HostError | str, *, needed: bool = True) -> Finding:
    return Finding(name, "host", "missing", reason_of(error, name), needed=needed)
