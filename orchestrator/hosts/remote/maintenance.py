"""Hosts between runs: what is left changed on them, who is at work, and putting things back."""

from __future__ import annotations

from orchestrator.errors import HostError
from orchestrator.hosts import facts as host_facts
from orchestrator.hosts.base import Host
from orchestrator.hosts.machine.state import tidy
from orchestrator.hosts.remote import lock as host_lock
from orchestrator.hosts.remote.folder import HostFolder
from orchestrator.hosts.remote.settings import Change
from orchestrator.units import plural


def state(host: Host) -> list[str]:
    """One line on a host: what it is, whether it may be changed, what goes on there."""
    facts = host_facts.gather(host)
    nodes = sum(1 for node in facts.nodes if node.memory)
    parts = [
        f"{facts.release} {facts.machine}, {plural(facts.cpus, 'CPU')}, {plural(nodes, 'NUMA node')}",
        "root" if facts.root else "no root",
    ]
    if facts.root:
        folder = HostFolder(host, root=True)
        parts.append(_doings(folder) if folder.exists() else "idle, nothing on record")
    return ["; ".join(parts)]


def _doings(folder: HostFolder) -> str:
    folder.install_scripts()
    runner = folder.runner()
    at_work = f"at work: pid {runner.pid}, {runner.block}" if runner else "idle"
    holder = host_lock.holder_of(folder)
    if holder is not None:
        gone = ", which is no more" if holder.is_gone else ""
        at_work = f"{at_work}, held by {holder}{gone}"
    recorded = folder.diff()
    return (
        f"{at_work}, {plural(len(recorded), 'setting')} on record"
        if recorded
        else f"{at_work}, nothing on record"
    )


def put_back(host: Host, *, stop: bool) -> list[str]:
    """Put back what is on record; a run that has the host is not disturbed unless it is to be stopped."""
    folder = HostFolder(host, root=True)
    if not folder.exists():
        return ["nothing on record"]
    folder.install_scripts()
    runner = folder.runner()
    if runner is not None:
        if not stop:
            raise HostError(
                f"{host.name}: a run is at work there (pid {runner.pid}, {runner.block}) and puts its settings back "
                "when it is taken up again; --stop ends it"
            )
        folder.stop(runner)
    if stop:
        host_lock.unlock(folder)
    host_lock.check_free(folder)
    changes = folder.restore()
    lines = [
        f"{change.path}: {change.before} → {change.actual}"
        for change in changes
        if change.verdict == "changed"
    ]
    lines += [
        f"{change.path}: {change.actual} already" for change in changes if change.verdict == "unchanged"
    ]
    return [*lines, *tidy(host)] or ["nothing on record"]


def unlock(host: Host) -> list[str]:
    """Break the lock of a host; its settings stay as they are, and a runner at work goes on."""
    folder = HostFolder(host, root=True)
    if not folder.exists():
        return ["nobody holds it"]
    folder.install_scripts()
    holder = host_lock.unlock(folder)
    return [f"was held by {holder}" if holder else "nobody holds it"]


def drift(host: Host) -> tuple[list[str], bool]:
    """The settings on record as lines, and whether one of them no longer holds what was set."""
    folder = HostFolder(host, root=True)
    if not folder.exists():
        return ["nothing on record"], False
    folder.install_scripts()
    changes = folder.diff()
    return [_line(change) for change in changes] or ["nothing on record"], any(
        change.verdict == "drifted" for change in changes
    )


def _line(change: Change) -> str:
    told = f"{change.path}: was {change.before}, set to {change.requested}"
    return f"{told}, now {change.actual or 'gone'}" if change.verdict == "drifted" else told
