"""Ansible inventories: hosts, their SSH addresses, groups and variables.

These variables of Ansible are used: ``ansible_host``, ``ansible_port``, ``ansible_user``,
``ansible_ssh_private_key_file`` and ``ansible_connection``. This program adds ``known_hosts_file``, ``jump``, ``power``
and ``console``. All other variables are for roles. ``group_vars`` and ``host_vars`` are directories beside the file.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from orchestrator.documents.document import read_file
from orchestrator.errors import BadInput, Position
from orchestrator.hosts.inventory_parser import Group, Groups, read_groups
from orchestrator.hosts.ssh import SshAddress

ALL = "all"


@dataclass(frozen=True, slots=True)
class Inventory:
    """Variables by host, and host names by group; hosts of child groups are included."""

    file: str = "(no inventory)"
    hosts: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    groups: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def group(self, name: str) -> tuple[str, ...]:
        """Return the hosts in a group; ``BadInput`` suggests the nearest name of a group."""
        if name not in self.groups:
            near = difflib.get_close_matches(name, self.groups, 1)
            hint = (
                f"; did you mean {near[0]!r}?"
                if near
                else f"; the inventory has the groups: {', '.join(self.groups) or 'none'}"
            )
            raise BadInput(f"{self.file}: no group {name!r}{hint}")
        return self.groups[name]

    def resolve(self, name: str) -> tuple[str, ...]:
        """Return the hosts of the group ``name``, or ``name`` itself: a host or an address."""
        return self.groups.get(name, (name,))

    def groups_of(self, host: str) -> tuple[str, ...]:
        """Return the groups of a host."""
        return tuple(name for name, members in self.groups.items() if host in members)

    def variables(self, host: str) -> Mapping[str, Any]:
        """Return the variables of a host; empty for a host that is not in the inventory."""
        return self.hosts.get(host, {})

    def address(self, name: str) -> SshAddress:
        """Return the SSH address of ``name``: a host of the inventory, or ``[user@]host[:port]``."""
        variables = self.hosts.get(name)
        if variables is None:
            return parse_address(name)
        try:
            return _address(name, variables)
        except (TypeError, ValueError) as error:
            raise BadInput(f"{self.file}: host {name!r}: {error}") from error


def parse_address(text: str) -> SshAddress:
    """Parse ``[user@]host[:port]``; an IPv6 address with a port needs brackets. ``BadInput`` for anything else."""
    user, _, address = text.rpartition("@")
    host, port = address, ""
    if address.startswith("["):
        host, _, port = address[1:].partition("]")
        port = port.removeprefix(":")
    elif address.count(":") == 1:
        host, _, port = address.partition(":")
    if not host or (port and not port.isdecimal()) or any(c.isspace() for c in text) or host.startswith("-"):
        raise BadInput(f"--host {text!r}: expected a host of the inventory or [user@]host[:port]")
    return SshAddress(host, user or None, int(port) if port else None)


def _address(name: str, variables: Mapping[str, Any]) -> SshAddress:
    def path(*keys: str) -> Path | None:
        value = next((variables[key] for key in keys if key in variables), None)
        return None if value is None else Path(str(value)).expanduser()

    connection = variables.get("ansible_connection", "ssh")
    if connection not in ("ssh", "smart", "paramiko", "paramiko_ssh"):
        raise ValueError(
            f"ansible_connection {connection!r} is not supported, only ssh; for this machine, use --host local"
        )
    return SshAddress(
        host=str(variables.get("ansible_host", name)),
        user=str(variables["ansible_user"]) if "ansible_user" in variables else None,
        port=int(variables["ansible_port"]) if "ansible_port" in variables else None,
        identity_file=path("ansible_ssh_private_key_file", "ansible_private_key_file"),
        known_hosts_file=path("known_hosts_file"),
        jump=str(variables["jump"]) if "jump" in variables else None,
    )


def load(path: Path) -> Inventory:
    """Read an inventory file and the directories beside it; ``BadInput`` gives the position of an error."""
    groups = read_groups(path)
    hosts_of: dict[str, tuple[str, ...]] = {}
    depths: dict[str, int] = {}
    for name in groups:
        _collect(name, groups, hosts_of, depths, ())
    all_hosts = dict.fromkeys(host for hosts in hosts_of.values() for host in hosts)
    hosts_of[ALL] = tuple(dict.fromkeys((*hosts_of.get(ALL, ()), *all_hosts)))
    groups = {**groups, ALL: groups.get(ALL, Group())}
    host_sets = {name: frozenset(hosts) for name, hosts in hosts_of.items()}
    variables = {host: _variables(host, groups, host_sets, depths, path.parent) for host in hosts_of[ALL]}
    return Inventory(str(path), variables, hosts_of)


def _collect(
    name: str,
    groups: Groups,
    hosts_of: dict[str, tuple[str, ...]],
    depths: dict[str, int],
    ancestors: tuple[str, ...],
) -> tuple[str, ...]:
    """Add the hosts of a group and of its children to ``hosts_of``, and their depths in the tree to ``depths``."""
    if name in ancestors:
        raise BadInput(groups[ancestors[-1]].children[name].fault(f"group '{name}' contains itself"))
    depths[name] = max(depths.get(name, 0), len(ancestors))
    group = groups[name]
    hosts = list(group.hosts)
    for child in group.children:
        hosts += _collect(child, groups, hosts_of, depths, (*ancestors, name))
    hosts_of[name] = tuple(dict.fromkeys(hosts))
    return hosts_of[name]


def _variables(
    host: str,
    groups: Groups,
    host_sets: Mapping[str, frozenset[str]],
    depths: Mapping[str, int],
    folder: Path,
) -> dict[str, Any]:
    """Return the variables of a host. Precedence: host, child group, parent group, ``all``."""
    names = [name for name in groups if host in host_sets[name]]
    names.sort(key=lambda name: (name != ALL, depths.get(name, 0), name))
    variables: dict[str, Any] = {}
    for name in names:
        variables.update(groups[name].variables)
        variables.update(_vars_file(folder / "group_vars", name))
    for name in names:
        variables.update(groups[name].hosts.get(host, {}))
    variables.update(_vars_file(folder / "host_vars", host))
    return variables


def _vars_file(folder: Path, name: str) -> dict[str, Any]:
    """Return the variables of a file in ``group_vars`` or ``host_vars``; empty where there is none."""
    for suffix in (".yaml", ".yml", ""):
        path = folder / f"{name}{suffix}"
        if path.is_file():
            data: dict[str, Any] = read_file(path).data()
            return data
    if (folder / name).is_dir():
        raise BadInput(
            Position(str(folder / name)).fault(f"is a directory; move the variables to {name}.yaml")
        )
    return {}
