"""Maintenance of hosts between runs: show their state, restore settings, remove locks."""

from __future__ import annotations

from orchestrator.errors import HostError
from orchestrator.hosts import facts as host_facts
from orchestrator.hosts.base import Host
from orchestrator.hosts.machine.boot import remove_leftovers
from orchestrator.hosts.remote import lock as host_lock
from orchestrator.hosts.remote.folder import HostFolder
from orchestrator.hosts.remote.settings import Change
from orchestrator.units import plural

NOTHING_RECORDED = "no recorded settings"


def state(host: Host) -> list[str]:
    """Return one line: kernel, CPUs, NUMA nodes, root access, runner, lock, number of recorded settings."""
    facts = host_facts.gather(host)
    nodes = sum(1 for node in facts.nodes if node.memory)
    parts = [
        f"{facts.release} {facts.machine}, {plural(facts.cpus, 'CPU')}, {plural(nodes, 'NUMA node')}",
        "root" if facts.root else "no root",
    ]
    if facts.root:
        folder = HostFolder(host, root=True)
        parts.append(_activity(folder) if folder.exists() else f"idle, {NOTHING_RECORDED}")
    return ["; ".join(parts)]


def _activity(folder: HostFolder) -> str:
    folder.install()
    runner = folder.runner()
    parts = [f"runner active: pid {runner.pid}, {runner.block}" if runner else "idle"]
    holder = host_lock.holder_of(folder)
    if holder is not None:
        parts.append(f"locked by {holder}{' (stale)' if holder.is_stale else ''}")
    recorded = folder.diff()
    parts.append(f"{plural(len(recorded), 'recorded setting')}" if recorded else NOTHING_RECORDED)
    return ", ".join(parts)


def restore(host: Host, *, stop: bool) -> list[str]:
    """Restore recorded settings; return a line for each. ``HostError`` if a run has the host.

    :param stop: stop an active runner and remove the lock first.
    """
    folder = HostFolder(host, root=True)
    if not folder.exists():
        return [NOTHING_RECORDED]
    folder.install()
    runner = folder.runner()
    if runner is not None:
        if not stop:
            raise HostError(runner.refusal(host.name))
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
        f"{change.path}: already {change.actual}" for change in changes if change.verdict == "unchanged"
    ]
    return [*lines, *remove_leftovers(host)] or [NOTHING_RECORDED]


def unlock(host: Host) -> list[str]:
    """Remove the lock of a host; settings and an active runner are left alone."""
    folder = HostFolder(host, root=True)
    if not folder.exists():
        return ["not locked"]
    folder.install()
    holder = host_lock.unlock(folder)
    return [f"unlocked; was locked by {holder}" if holder else "not locked"]


def diff(host: Host) -> tuple[list[str], bool]:
    """Return a line for each recorded setting, and whether any has drifted from the value that was set."""
    folder = HostFolder(host, root=True)
    if not folder.exists():
        return [NOTHING_RECORDED], False
    folder.install()
    changes = folder.diff()
    lines = [_diff_line(change) for change in changes]
    return lines or [NOTHING_RECORDED], any(change.verdict == "drifted" for change in changes)


def _diff_line(change: Change) -> str:
    line = f"{change.path}: was {change.before}, set to {change.requested}"
    return f"{line}, now {change.actual or 'missing'}" if change.verdict == "drifted" else line
