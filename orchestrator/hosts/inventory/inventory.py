"""An inventory: its hosts and groups, and the address of a host."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from msgspec import Struct, field

from orchestrator.errors import BadInput, HostError
from orchestrator.hosts.inventory import connection, reading
from orchestrator.hosts.inventory.limit import Limit
from orchestrator.hosts.inventory.patterns import port_number
from orchestrator.hosts.inventory.variables import Variables, position_of
from orchestrator.hosts.ssh import SshAddress, SshHost, connect
from orchestrator.nearest import did_you_mean

log = logging.getLogger(__name__)


class Inventory(Struct, frozen=True):
    """Variables by host, and host names by group; hosts of child groups are included."""

    file: str = "(no inventory)"
    hosts: Mapping[str, Variables] = field(default_factory=dict)
    groups: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    _groups_by_host: dict[str, list[str]] = field(default_factory=dict)

    def group(self, name: str) -> tuple[str, ...]:
        """Return the hosts in a group; ``BadInput`` suggests the nearest name of a group."""
        if name not in self.groups:
            raise BadInput(f"{self.file}: no group {name!r}; {did_you_mean(name, self.groups)}")
        return self.groups[name]

    def unknown(self, name: str) -> str:
        """Return that the inventory has no such host or group, and the nearest name; empty if it has it.

        The name may still be an address. Without an inventory nothing is unknown.
        """
        known = {*self.hosts, *self.groups}
        if name in known or not known:
            return ""
        return f"no host or group {name!r} in {self.file}, {did_you_mean(name, known)}"

    def connect(self, name: str, address: SshAddress, time_limit: float) -> SshHost:
        """Connect to a host; the ``HostError`` of an unknown name names the nearest one."""
        try:
            return connect(name, address, time_limit)
        except HostError as error:
            hint = self.unknown(name)
            if hint:
                raise type(error)(f"{error}; {hint}") from error
            raise

    def resolve(self, name: str) -> tuple[str, ...]:
        """Return the hosts of the group ``name``, or ``name`` itself: a host or an address."""
        return self.groups.get(name, (name,))

    def limited(self, names: Sequence[str], limit: str) -> tuple[str, ...]:
        """Return the hosts that ``--limit`` leaves of ``names``; ``BadInput`` if that is none."""
        if not limit:
            return tuple(names)
        return Limit(list(dict.fromkeys((*self.hosts, *names))), self.groups, self.file).apply(names, limit)

    def groups_of(self, host: str) -> tuple[str, ...]:
        """Return the groups of a host."""
        if not self._groups_by_host:
            for name, members in self.groups.items():
                for member in members:
                    self._groups_by_host.setdefault(member, []).append(name)
        return tuple(self._groups_by_host.get(host, ()))

    def variables(self, host: str) -> Mapping[str, Any]:
        """Return the variables of a host; empty for a host that is not in the inventory."""
        return self.hosts.get(host, {})

    def address(self, name: str) -> SshAddress:
        """Return the SSH address of ``name``: a host of the inventory, or ``[user@]host[:port]``.

        Raises ``BadInput`` for an invalid variable, :class:`OtherConnection` for a host without SSH.
        """
        variables = self.hosts.get(name)
        return parse_address(name) if variables is None else connection.address(name, variables)

    def address_to_connect(self, name: str) -> SshAddress:
        """Return :meth:`address`, and warn of variables that the connection cannot use."""
        variables = self.hosts.get(name, Variables())
        for variable, instead in connection.unused(variables).items():
            fault = position_of(variables, variable).fault(
                f"host {name!r}: {variable} is not used; {instead}"
            )
            log.warning("%s", fault)
        return self.address(name)


def load(path: Path) -> Inventory:
    """Read an inventory, and the directories beside it; ``BadInput`` gives the place of an error."""
    hosts, groups = reading.read(path)
    return Inventory(str(path), hosts, groups)


def parse_address(text: str) -> SshAddress:
    """Parse ``[user@]host[:port]``; an IPv6 address with a port needs brackets. ``BadInput`` for anything else."""
    user, _, address = text.rpartition("@")
    host, port = address, ""
    if address.startswith("["):
        host, _, port = address[1:].partition("]")
        port = port.removeprefix(":")
    elif address.count(":") == 1:
        host, _, port = address.partition(":")
    number = port_number(port)
    if not host or (port and number is None) or any(c.isspace() for c in text) or host.startswith("-"):
        raise BadInput(f"--host {text!r}: expected a host of the inventory or [user@]host[:port]")
    return SshAddress(host, user or None, number)
