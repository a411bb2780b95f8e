"""Roles applied to a host by themselves, outside of a run."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from orchestrator.errors import HostError, OrchestratorError
from orchestrator.hosts.base import Host
from orchestrator.hosts.remote import lock as host_lock
from orchestrator.hosts.remote.folder import HostFolder
from orchestrator.hosts.selector import HostSelector
from orchestrator.provision.engine import Target, run_role
from orchestrator.provision.loading import changes_host
from orchestrator.provision.module import TaskResult
from orchestrator.provision.tasks import LoadedRole


@dataclass(frozen=True, slots=True)
class RoleRequest:
    """What is to be applied, and how."""

    roles: Sequence[LoadedRole]
    cache: Path
    check: bool = False
    only: frozenset[str] = frozenset()
    without: frozenset[str] = frozenset()


def apply_roles(
    host: Host, reach: HostSelector, request: RoleRequest
) -> tuple[list[str], OrchestratorError | None]:
    """Apply roles to a host; return what there is to say, and the error that ended it early, if one did."""
    lines: list[str] = []
    outcomes: list[TaskResult] = []

    def say(name: str, outcome: TaskResult) -> None:
        outcomes.append(outcome)
        lines.extend(result_lines(name, outcome, request.check))

    error = None
    try:
        target = _target(host, reach, request)
        target.say = say
        try:
            with _held(target, request):
                for role in request.roles:
                    run_role(target, role)
        finally:
            target.host.close()  # after a reboot it is another than the one that was given
    except OrchestratorError as fault:
        error = fault
    if outcomes:
        lines.append(f"{host.name}: {_sum(outcomes, request.check)}")
    if error and not request.check and any("settings" in outcome.result for outcome in outcomes):
        lines.append(
            f"{host.name}: settings that were changed are on record; orchestrate hosts restore puts them back"
        )
    return lines, error


def _target(host: Host, reach: HostSelector, request: RoleRequest) -> Target:
    folder = HostFolder(host, root=any(changes_host(role) for role in request.roles))
    folder.bring_scripts()
    runner = folder.runner()
    if runner is not None and not request.check:
        raise HostError(f"{host.name}: a run is at work there (pid {runner.pid}, {runner.block})")
    return Target(
        host,
        folder.base,
        request.cache,
        folder.sudo,
        variables=reach.inventory.variables(host.name),
        groups=reach.inventory.groups_of(host.name),
        check=request.check,
        only=request.only,
        without=request.without,
        reconnect=lambda: reach.connect(host.name),
    )


@contextmanager
def _held(target: Target, request: RoleRequest) -> Iterator[None]:
    """Hold the host while it is changed."""
    if request.check:
        yield
        return
    root = any(changes_host(role) for role in request.roles)
    holder = host_lock.take(HostFolder(target.host, root=root), f"role apply, process {os.getpid()}")
    try:
        yield
    finally:
        with suppress(HostError):
            host_lock.release(HostFolder(target.host, root=root), holder)


def result_lines(host: str, outcome: TaskResult, check: bool) -> Iterator[str]:
    """The lines on one task: what became of it, and each difference."""
    status = "would change" if check and outcome.changed else outcome.status
    note = f" ({outcome.note})" if outcome.note else ""
    yield f"{host}: {outcome.role}: {outcome.task}: {status}{note}"
    for difference in outcome.differences:
        yield from (f"    {line}" for line in difference.lines())


def _sum(outcomes: Sequence[TaskResult], check: bool) -> str:
    count = Counter(outcome.status for outcome in outcomes)
    words = {"changed": "would change" if check else "changed", "ok": "unchanged"}
    return ", ".join(
        f"{count[status]} {words.get(status, status)}"
        for status in ("changed", "ok", "skipped", "failed")
        if count[status] or status in words
    )
