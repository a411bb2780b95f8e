"""What a Slurm site can do, found without a job: ``hosts check`` and ``run --check`` with ``--provider slurm``."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping

from orchestrator.errors import HostError
from orchestrator.hosts.base import Host
from orchestrator.hosts.command import script
from orchestrator.hosts.slurm.commands import (
    call,
    check_commands,
    columns,
    configuration,
    execute,
    key_values,
)
from orchestrator.hosts.slurm.options import SlurmOptions
from orchestrator.hosts.slurm.reservation import reservations, who
from orchestrator.hosts.slurm.states import obstacle
from orchestrator.units import plural

NETWORK_FILE_SYSTEMS = ("nfs", "lustre", "gpfs", "fhgfs", "ceph", "panfs", "afs", "smb2", "cifs", "gfs/gfs2")
"""Names of ``stat``."""

FILE_SYSTEM = """
case $1 in "~"/*) path=$HOME/${1#??} ;; *) path=$1 ;; esac
dir=$path
until [ -d "$dir" ]; do dir=$(dirname "$dir"); done
echo "$path $(stat -f -c %T "$dir")"
"""
"""Prints a directory, which need not exist yet, and the type of its file system."""

NONE = ("", "(null)", "none")


def describe(login: Host, options: SlurmOptions, kernels: Iterable[str]) -> list[str]:
    """Return lines for the user; ``HostError`` where Slurm does not answer.

    :param kernels: names of an experiment's kernels.
    """
    check_commands(login)
    settings = configuration(login)
    lines = [
        f"Slurm {settings.get('SLURM_VERSION', 'of unknown version')}, cluster {settings.get('ClusterName', '?')}"
    ]
    lines += _partitions(login)
    if options.guest:
        lines += _guests(kernels)
    else:
        if not options.boots:  # else the nodes are asked by SSH
            lines += _kernels(options, kernels, _features(login, settings))
            lines += [*_reservations(login), _storage(login, options)]
        lines += _user(login)
    accounting = settings.get("AccountingStorageType", "")
    if accounting.endswith("/none") or accounting in NONE:
        lines.append(
            "accounting: none; the state of jobs that left the queue is unknown, only their journals are read"
        )
    return lines


def _partitions(login: Host) -> list[str]:
    """One line a partition: state, time limit, nodes by state."""
    found: dict[str, Counter[str]] = defaultdict(Counter)
    printed = call(login, "sinfo", "--noheader", "--format=%P|%a|%l|%D|%T")
    for name, available, limit, nodes, word in columns(printed, 5):
        if re.fullmatch("[0-9]{1,9}", nodes):
            found[f"partition {name}: {available}, time limit {limit}"][word] += int(nodes)
    return [
        ", ".join((partition, *(f"{plural(count, 'node')} {word}" for word, count in sorted(nodes.items()))))
        for partition, nodes in found.items()
    ]


def _features(login: Host, settings: Mapping[str, str]) -> dict[str, int]:
    """Return the features that a reboot of a node can change, with the number of nodes; empty without the plugin."""
    if "helpers" not in settings.get("NodeFeaturesPlugins", "") or settings.get("RebootProgram", "") in NONE:
        return {}
    found: Counter[str] = Counter()
    for _, features in columns(call(login, "sinfo", "--noheader", "--Node", "--format=%N|%f"), 2):
        found.update(feature for feature in features.split(",") if feature not in NONE)
    return dict(found)


def _kernels(options: SlurmOptions, kernels: Iterable[str], booting: Mapping[str, int]) -> list[str]:
    """One line on how kernels are booted here, and one for each kernel of the experiment."""
    if booting:
        shown = ", ".join(f"{name} ({plural(count, 'node')})" for name, count in sorted(booting.items()))
        lines = [f"kernels: by node features (helpers plugin): {shown}"]
    else:
        lines = [
            "kernels: only those that the nodes run; the site has no helpers plugin with a RebootProgram"
        ]
    for kernel in kernels:
        feature = options.features.get(kernel, "")
        if not feature:
            lines.append(
                f"kernel {kernel}: no feature in hosts.slurm.features; its cells run where a node runs it by itself, "
                "or in guests with hosts.slurm.guest: true"
            )
        elif feature in booting:
            lines.append(f"kernel {kernel}: feature {feature}, {plural(booting[feature], 'node')}")
        else:
            lines.append(f"kernel {kernel}: no node has the feature {feature}; its cells will not run")
    return lines


def _reservations(login: Host) -> list[str]:
    """One line for each reservation of the user, whose nodes could be booted by SSH."""
    user, groups = who(login)
    return [
        f"kernels: or by SSH in reservation {one.name} ({one.nodes}), {one.period}, if you are root on its nodes; "
        f"set hosts.slurm.reservation: {one.name} and hosts.slurm.boot: ssh"
        for one in reservations(login).values()
        if one.nodes and one.admits(user, groups)
    ]


def _guests(kernels: Iterable[str]) -> list[str]:
    """Return what runs where each job boots a guest."""
    return [
        "kernels: each job boots a guest on its node (hosts.slurm.guest); nodes need QEMU and ssh",
        *(f"kernel {kernel}: in a guest" for kernel in kernels),
        "settings: jobs are root in their guests; experiments change settings of guests, not of nodes",
    ]


def _storage(login: Host, options: SlurmOptions) -> str:
    """One line on whether the nodes see the directory of runs; without a job only its file system is known."""
    if options.shared is not None:
        return f"storage: {'' if options.shared else 'not '}shared with the nodes (hosts.slurm.shared)"
    path, _, kind = login.run(script(FILE_SYSTEM, options.directory)).stdout.strip().rpartition(" ")
    if kind in NETWORK_FILE_SYSTEMS:
        return f"storage: {path} is on {kind}; the nodes probably share it, and the first job finds out"
    return (
        f"storage: {path} is on {kind}; if the nodes do not share it, which the first job finds out, "
        "jobs carry their files and journals are fetched from the nodes"
    )


def _user(login: Host) -> list[str]:
    root = login.run(script("id -u")).stdout.strip() == "0"
    if root:
        return ["jobs run as root: experiments can change settings of nodes"]
    return [
        "jobs do not run as root: experiments cannot change settings of nodes; in guests they can (hosts.slurm.guest)"
    ]


def try_jobs(login: Host, options: SlurmOptions, kernels: Iterable[str], minutes: int) -> list[str]:
    """Ask ``sbatch --test-only`` about a job for each kernel; see :meth:`BatchSystem.try_jobs`.

    It says when a job would start in a partition that is down, too, so the partition is looked at.
    """
    check_commands(login)
    lines = []
    for kernel in kernels:
        words = ("sbatch", "--test-only", *options.job_options(minutes, kernel), "--wrap=true")
        # "sbatch: Job 7 to start at 2026-11-28T22:00:00 using 2 processors on nodes node1 in partition main"
        printed = execute(login, *words).stderr.strip()
        _, says, answer = printed.partition(" to start at ")
        if not says:
            raise HostError(
                f"{login.name}: kernel {kernel}: cannot read what sbatch --test-only says: {printed!r}"
            )
        reason = _partition_obstacle(login, answer.rpartition(" in partition ")[2], minutes)
        if reason:
            raise HostError(f"{login.name}: kernel {kernel}: a job would never start: {reason}")
        lines.append(f"kernel {kernel}: a job of {minutes} minutes would start at {answer}")
    return lines


def _partition_obstacle(login: Host, name: str, minutes: int) -> str:
    """Return why a partition starts no job of so many minutes; empty if it does."""
    if not name:
        return ""
    found = key_values(call(login, "scontrol", "--oneliner", "show", "partition", name))
    if found.get("State", "UP") in ("DOWN", "INACTIVE"):
        return obstacle(f"Partition{found['State'].capitalize()}")
    limit = time_limit_minutes(found.get("MaxTime", ""))
    return obstacle("PartitionTimeLimit") if limit is not None and limit < minutes else ""


def time_limit_minutes(text: str) -> float | None:
    """Return a time limit as Slurm prints it, in minutes; None: there is none, or it cannot be read.

    "[DAYS-]HOURS:MINUTES:SECONDS", "UNLIMITED" or "NONE".
    """
    found = re.fullmatch(r"(?:([0-9]{1,9})-)?([0-9]{1,9}):([0-9]{1,9}):([0-9]{1,9})", text)
    if not found:
        return None
    days, hours, minutes, seconds = (int(part or 0) for part in found.groups())
    return (days * 24 + hours) * 60 + minutes + seconds / 60
