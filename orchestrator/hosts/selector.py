"""Select hosts by the arguments of a command line, and run functions on several at once."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TypeVar

from orchestrator.activities import doing
from orchestrator.errors import HostError
from orchestrator.hosts.base import Host
from orchestrator.hosts.inventory.connection import OtherConnection
from orchestrator.hosts.inventory.inventory import Inventory
from orchestrator.hosts.inventory.inventory import load as load_inventory
from orchestrator.hosts.local import LocalHost
from orchestrator.threads import of_each

T = TypeVar("T")

LOCAL = "local"
CONNECT_LIMIT_S = 30.0
MAX_CONNECTIONS = 16


class HostSelector:
    """Selects hosts and connects to them, by an optional inventory and SSH configuration.

    :param limit: the pattern of ``--limit``; empty: all hosts.
    """

    def __init__(self, inventory: Path | None, ssh_config: Path | None, limit: str = "") -> None:
        self.inventory = load_inventory(inventory) if inventory else Inventory()
        self._ssh_config = ssh_config
        self._limit = limit

    def names(self, patterns: Sequence[str]) -> list[str]:
        """Return the selected hosts, each once. ``BadInput`` for an invalid address, and if ``--limit`` leaves none.

        Hosts with another connection than SSH are included; :meth:`connect` raises an error for them.

        :param patterns: hosts or groups of the inventory, or addresses.
        """
        resolved = dict.fromkeys(name for pattern in patterns for name in self.inventory.resolve(pattern))
        names = list(self.inventory.limited(list(resolved), self._limit))
        for name in names:
            if name != LOCAL:
                with contextlib.suppress(OtherConnection):
                    self.inventory.address(name)
        return names

    def address_shown(self, name: str) -> str:
        """Return the address of a host as users write it, or its ``ansible_connection`` if that is not SSH."""
        if name == LOCAL:
            return LOCAL
        try:
            return str(self.inventory.address(name))
        except OtherConnection as error:
            return f"ansible_connection={error.connection}"

    def connect(self, name: str) -> Host:
        """Connect to a host."""
        if name == LOCAL:
            return LocalHost(name)
        address = self.inventory.address_to_connect(name)
        if self._ssh_config is not None:
            address = address.with_config(self._ssh_config)
        return self.inventory.connect(name, address, CONNECT_LIMIT_S)

    def run_on_each(
        self, names: Sequence[str], function: Callable[[Host], T]
    ) -> Iterator[tuple[str, T | HostError]]:
        """Call a function on several hosts in parallel; yield each name with the result or error, in order."""

        def visit(name: str) -> T | HostError:
            try:
                with doing(name, "connecting") as activity:
                    host = self.connect(name)
                    activity.change("waiting for its answer")
                    try:
                        return function(host)
                    finally:
                        host.close()
            except HostError as error:
                return error

        yield from zip(names, of_each(MAX_CONNECTIONS, visit, names), strict=True)
