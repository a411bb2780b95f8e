"""``orchestrate role apply``: apply roles to a host outside of a run."""

from __future__ import annotations

import os
import shlex
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from msgspec import Struct

from orchestrator.errors import HostError, OrchestratorError
from orchestrator.hosts.base import Host
from orchestrator.hosts.remote import lock as host_lock
from orchestrator.hosts.remote.folder import HostFolder
from orchestrator.hosts.selector import HostSelector
from orchestrator.provision.engine import run_role
from orchestrator.provision.loading import changes_host
from orchestrator.provision.module import TaskResult
from orchestrator.provision.target import Target
from orchestrator.provision.tasks import LoadedRole


class RoleRequest(Struct, frozen=True):
    """The roles to apply, and the options of the command line.

    :ivar cache: the orchestrator's cache directory on the controller.
    :ivar check: report changes, make none.
    :ivar tags: run only tasks with one of these tags; empty: all. ``skip_tags``: run no task with one of these.
    """

    roles: Sequence[LoadedRole]
    cache: Path
    check: bool = False
    tags: frozenset[str] = frozenset()
    skip_tags: frozenset[str] = frozenset()

    @property
    def needs_root(self) -> bool:
        """Whether one of the roles changes the host outside of the orchestrator's directory."""
        return any(changes_host(role) for role in self.roles)


def apply_roles(
    host: Host, selector: HostSelector, request: RoleRequest
) -> tuple[list[str], OrchestratorError | None]:
    """Apply roles to a host; return the lines to print, and the error that ended the application, if any."""
    lines: list[str] = []
    results: list[TaskResult] = []

    def on_result(name: str, result: TaskResult) -> None:
        results.append(result)
        lines.extend(result_lines(name, result, request.check))

    error = None
    try:
        target = _target(host, selector, request)
        target.on_result = on_result
        try:
            with _locked(target, request):
                for role in request.roles:
                    run_role(target, role)
        finally:
            target.host.close()  # not `host`: a reboot replaces the connection
    except OrchestratorError as raised:
        error = raised
    if results:
        lines.append(f"{host.name}: {_summary(results, request.check)}")
    if error and not request.check and any("settings" in result.result for result in results):
        lines.append(
            f"{host.name}: changed settings are recorded; to restore them: "
            f"orchestrate hosts restore {shlex.quote(host.name)}"
        )
    return lines, error


def _target(host: Host, selector: HostSelector, request: RoleRequest) -> Target:
    folder = HostFolder(host, root=request.needs_root)
    folder.install()
    runner = folder.runner()
    if runner is not None and not request.check:
        raise HostError(runner.refusal(host.name))
    return Target(
        host,
        folder.base,
        request.cache,
        folder.sudo,
        variables=selector.inventory.variables(host.name),
        groups=selector.inventory.groups_of(host.name),
        check=request.check,
        tags=request.tags,
        skip_tags=request.skip_tags,
        reconnect=lambda: selector.connect(host.name),
    )


@contextmanager
def _locked(target: Target, request: RoleRequest) -> Iterator[None]:
    """Lock the host while it is changed."""
    if request.check:
        yield
        return
    root = request.needs_root
    # A process ID alone may be that of another controller, in another PID namespace, whose lock would be taken over.
    name = f"role apply, process {os.getpid()}-{os.urandom(4).hex()}"
    folder = HostFolder(target.host, root=root)
    holder = host_lock.take(folder, name)
    try:
        yield
    finally:
        folder.host = target.host  # a reboot replaces the connection
        host_lock.release(folder, holder)


def result_lines(host: str, result: TaskResult, check: bool) -> Iterator[str]:
    """Yield the lines that show the result of a task: its status, then each difference, indented."""
    status = "would change" if check and result.changed else result.status
    note = f" ({result.note})" if result.note else ""
    yield f"{host}: {result.role}: {result.task}: {status}{note}"
    for difference in result.differences:
        yield from (f"    {line}" for line in difference.lines())


def _summary(results: Sequence[TaskResult], check: bool) -> str:
    count = Counter(result.status for result in results)
    words = {"changed": "would change" if check else "changed", "ok": "unchanged"}
    return ", ".join(
        f"{count[status]} {words.get(status, status)}"
        for status in ("changed", "ok", "skipped", "failed")
        if count[status] or status in words
    )
