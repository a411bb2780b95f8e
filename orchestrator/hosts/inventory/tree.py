"""The tree of an inventory's groups: their hosts, children and variables, and what each host inherits."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Struct, field

from orchestrator.errors import BadInput, Position
from orchestrator.hosts.inventory.patterns import MAX_HOSTS, expand
from orchestrator.hosts.inventory.variables import Variables
from orchestrator.hosts.inventory.vars_files import VarsFiles

ALL = "all"
UNGROUPED = "ungrouped"
MAX_NAMED = 2 * MAX_HOSTS
"""How often hosts may be named, in all groups together."""
MAX_MEMBERS = 20 * MAX_HOSTS
"""How many hosts groups may have by their children, in all groups together."""
MAX_GROUPS = 10_000
MAX_DEPTH = 100
_PRIORITY = "ansible_group_priority"


class Group(Struct):
    """A group: its own hosts (in order), and its children with the place where each is named."""

    hosts: dict[str, None] = field(default_factory=dict)
    children: dict[str, Position] = field(default_factory=dict)
    variables: Variables = field(default_factory=Variables)
    priority: int = 1


class Tree:
    """Groups and hosts as they are read. ``all`` and ``ungrouped`` always exist."""

    def __init__(self) -> None:
        self.groups: dict[str, Group] = {ALL: Group(), UNGROUPED: Group()}
        self.hosts: dict[str, Variables] = {}
        self._named = 0

    def add_group(self, name: str, position: Position) -> None:
        """Add a group unless it exists."""
        self.groups.setdefault(name, Group())
        if len(self.groups) > MAX_GROUPS:
            raise BadInput(position.fault(f"too many groups (limit: {MAX_GROUPS})"))

    def add_hosts(self, group: str, pattern: str, port: int | None, position: Position) -> list[str]:
        """Add the hosts of a pattern to a group; a port counts where a host is named first."""
        names = list(expand(pattern, position))
        self._named += len(names)
        for name in names:
            self.groups[group].hosts[name] = None
            if name not in self.hosts:
                self.hosts[name] = Variables()
                if port:
                    self.hosts[name].assign("ansible_port", port, position)
        if len(self.hosts) > MAX_HOSTS:
            raise BadInput(position.fault(f"too many hosts (limit: {MAX_HOSTS})"))
        if self._named > MAX_NAMED:
            raise BadInput(position.fault(f"hosts are named too often in groups (limit: {MAX_NAMED} times)"))
        return names

    def set_variable(self, name: str, variable: str, value: Any, position: Position) -> None:
        """Set a variable of a group or a host. As in Ansible, a host with the name of a group is that group."""
        group = self.groups.get(name)
        if group is None:
            self.hosts[name].assign(variable, value, position)
        elif variable != _PRIORITY:
            group.variables.assign(variable, value, position)
        else:
            try:
                group.priority = int(value)
            except (TypeError, ValueError, OverflowError):
                raise BadInput(position.fault(f"{_PRIORITY}: expected an integer; found {value!r}")) from None

    # --- what hosts inherit ---

    def members(self) -> dict[str, tuple[str, ...]]:
        """Return the hosts of each group, those of its children included; ``all`` is last."""
        members: dict[str, dict[str, None]] = {}
        of_children = 0
        for name in reversed(self._parents_first()):
            group = self.groups[name]
            members[name] = dict(group.hosts)
            for child, position in group.children.items():
                of_children += len(members[child])
                if of_children > MAX_MEMBERS:
                    raise BadInput(
                        position.fault(f"groups have too many hosts of others (limit: {MAX_MEMBERS})")
                    )
                members[name].update(members[child])
        named = {host for name, hosts in members.items() if name not in (ALL, UNGROUPED) for host in hosts}
        inherited = (members[child] for child in self.groups[UNGROUPED].children)
        alone = dict.fromkeys(host for host in self.hosts if host not in named)
        members[UNGROUPED] = alone | {host: None for hosts in inherited for host in hosts}
        names = [name for name in self.groups if name not in (ALL, UNGROUPED)]
        names += [UNGROUPED] if members[UNGROUPED] else []
        return {**{name: tuple(members[name]) for name in names}, ALL: tuple(self.hosts)}

    def variables(self, members: Mapping[str, tuple[str, ...]], files: VarsFiles) -> dict[str, Variables]:
        """Return the variables of each host, with Ansible's precedence.

        From low to high: of ``all``, of the other groups, ``group_vars/all``, ``group_vars/`` of the other groups, of
        the host, ``host_vars/``. Among groups: parents before children, then by priority, then by name.
        """
        depths = self._depths()
        ranked = sorted(members, key=lambda name: (depths[name], self.groups[name].priority, name))
        groups_of: dict[str, list[str]] = {host: [] for host in self.hosts}
        for name in ranked:
            if name != ALL:
                for host in members[name]:
                    groups_of[host].append(name)
        inherited: dict[tuple[str, ...], Variables] = {}
        result = {}
        for host, own in self.hosts.items():
            names = tuple(groups_of[host])
            if names not in inherited:
                inherited[names] = self._inherited(names, files)
            result[host] = Variables()
            for layer in (inherited[names], own, *files.of_host(host)):
                result[host].overlay(layer)
        return result

    def _inherited(self, names: tuple[str, ...], files: VarsFiles) -> Variables:
        variables = Variables()
        for name in (ALL, *names):
            variables.overlay(self.groups[name].variables)
        for folder in (ALL,), names:
            for layer in files.of_groups(folder):
                variables.overlay(layer)
        return variables

    def _depths(self) -> dict[str, int]:
        """Return the length of the longest path from ``all`` to each group."""
        depths = {ALL: 0}
        for name in self._parents_first():
            depth = depths.setdefault(name, 1)
            for child, position in self.groups[name].children.items():
                depths[child] = max(depths.get(child, 1), depth + 1)
                if depth > MAX_DEPTH:
                    raise BadInput(position.fault(f"groups are nested more than {MAX_DEPTH} levels deep"))
        return depths

    def _parents_first(self) -> list[str]:
        """Return all groups, each after its parents. ``BadInput`` if a group contains itself."""
        parents: dict[str, list[str]] = {name: [] for name in self.groups}
        for name, group in self.groups.items():
            for child in group.children:
                parents[child].append(name)
        missing = {name: len(above) for name, above in parents.items()}
        ready = [name for name, count in missing.items() if not count]
        for name in ready:
            for child in self.groups[name].children:
                missing[child] -= 1
                if not missing[child]:
                    ready.append(child)
        if len(ready) < len(self.groups):
            self._refuse_cycle(parents, {name for name, count in missing.items() if count})
        return ready

    def _refuse_cycle(self, parents: Mapping[str, list[str]], left: set[str]) -> None:
        name = next(iter(left))
        seen: set[str] = set()
        while name not in seen:  # upwards, each of these groups has such a parent
            seen.add(name)
            below, name = name, next(parent for parent in parents[name] if parent in left)
        raise BadInput(self.groups[name].children[below].fault(f"group '{below}' contains itself"))
