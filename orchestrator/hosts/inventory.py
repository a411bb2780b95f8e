"""The inventory: which machines there are, how to reach them, and what else is known of them, in Ansible's forms.

Read are the names Ansible gives to what we need: ``ansible_host``, ``ansible_port``, ``ansible_user``,
``ansible_ssh_private_key_file``, ``ansible_become``; ours beside them: ``known_hosts_file``, ``jump``, ``power``,
``console``. Other variables are for roles. ``group_vars`` and ``host_vars`` are folders beside the file.
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
    """Hosts by name with their variables, and groups by name with the names of all hosts in them, children included."""

    file: str = "(no inventory)"
    hosts: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    groups: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def group(self, name: str) -> tuple[str, ...]:
        """Names of the hosts in a group; ``BadInput`` names the nearest group where there is none of that name."""
        if name not in self.groups:
            near = difflib.get_close_matches(name, self.groups, 1)
            hint = (
                f"; did you mean {near[0]!r}?"
                if near
                else f"; groups here: {', '.join(self.groups) or 'none'}"
            )
            raise BadInput(f"{self.file}: no group {name!r}{hint}")
        return self.groups[name]

    def named(self, name: str) -> tuple[str, ...]:
        """Hosts that a word of a command line means: those of a group, or the one host of this name or address."""
        return self.groups.get(name, (name,))

    def groups_of(self, host: str) -> tuple[str, ...]:
        """The groups that a host is in."""
        return tuple(name for name, members in self.groups.items() if host in members)

    def variables(self, host: str) -> Mapping[str, Any]:
        """What is known of a host; nothing of one that is not here."""
        return self.hosts.get(host, {})

    def address(self, name: str) -> SshAddress:
        """How to reach ``name``: a host of the inventory, or else ``[user@]host[:port]`` as SSH knows it."""
        variables = self.hosts.get(name)
        if variables is None:
            return parse_address(name)
        try:
            return _address(name, variables)
        except (TypeError, ValueError) as error:
            raise BadInput(f"{self.file}: host {name!r}: {error}") from error


def parse_address(text: str) -> SshAddress:
    """Read ``[user@]host[:port]``; an IPv6 address with a port stands in brackets. ``BadInput`` if it is not that."""
    user, _, address = text.rpartition("@")
    host, port = address, ""
    if address.startswith("["):
        host, _, port = address[1:].partition("]")
        port = port.removeprefix(":")
    elif address.count(":") == 1:
        host, _, port = address.partition(":")
    if not host or (port and not port.isdecimal()) or any(c.isspace() for c in text) or host.startswith("-"):
        raise BadInput(f"--host {text!r}: expected a host of the inventory, or [user@]host[:port]")
    return SshAddress(host, user or None, int(port) if port else None)


def _address(name: str, variables: Mapping[str, Any]) -> SshAddress:
    def path(*keys: str) -> Path | None:
        found = next((variables[key] for key in keys if key in variables), None)
        return None if found is None else Path(str(found)).expanduser()

    connection = variables.get("ansible_connection", "ssh")
    if connection not in ("ssh", "smart", "paramiko", "paramiko_ssh"):
        raise ValueError(
            f"ansible_connection {connection!r}: hosts are reached by ssh; this machine is `local`"
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
    """Read an inventory file and the folders beside it; ``BadInput`` names the place of a fault."""
    raw = read_groups(path)
    members: dict[str, tuple[str, ...]] = {}
    depths: dict[str, int] = {}
    for name in raw:
        _collect(name, raw, members, depths, ())
    everyone = dict.fromkeys(host for hosts in members.values() for host in hosts)
    members[ALL] = tuple(dict.fromkeys((*members.get(ALL, ()), *everyone)))
    known = {**raw, ALL: raw.get(ALL, Group())}
    inside = {name: frozenset(hosts) for name, hosts in members.items()}
    hosts = {host: _variables(host, known, inside, depths, path.parent) for host in members[ALL]}
    return Inventory(str(path), hosts, members)


def _collect(
    name: str,
    raw: Groups,
    members: dict[str, tuple[str, ...]],
    depths: dict[str, int],
    above: tuple[str, ...],
) -> tuple[str, ...]:
    """Enter the hosts of a group, children included, and how deep below others it lies."""
    if name in above:
        raise BadInput(raw[above[-1]].children[name].fault(f"group '{name}' contains itself"))
    depths[name] = max(depths.get(name, 0), len(above))
    group = raw[name]
    found = list(group.hosts)
    for child in group.children:
        found += _collect(child, raw, members, depths, (*above, name))
    members[name] = tuple(dict.fromkeys(found))
    return members[name]


def _variables(
    host: str,
    raw: Groups,
    members: Mapping[str, frozenset[str]],
    depths: Mapping[str, int],
    folder: Path,
) -> dict[str, Any]:
    """What is known of a host: its own wins over its groups', a child's over its parents', ``all`` is weakest."""
    mine = [name for name in raw if host in members[name]]
    mine.sort(key=lambda name: (name != ALL, depths.get(name, 0), name))
    found: dict[str, Any] = {}
    for name in mine:
        found.update(raw[name].variables)
        found.update(_beside(folder / "group_vars", name))
    for name in mine:
        found.update(raw[name].hosts.get(host, {}))
    found.update(_beside(folder / "host_vars", host))
    return found


def _beside(folder: Path, name: str) -> dict[str, Any]:
    """Variables of a file of ``group_vars`` or ``host_vars``."""
    for suffix in (".yaml", ".yml", ""):
        path = folder / f"{name}{suffix}"
        if path.is_file():
            data: dict[str, Any] = read_file(path).data()
            return data
    if (folder / name).is_dir():
        raise BadInput(Position(str(folder / name)).fault(f"is a folder; put the variables into {name}.yaml"))
    return {}
