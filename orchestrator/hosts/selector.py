"""Hosts by the words of a command line, several at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from orchestrator.errors import HostError
from orchestrator.hosts.base import Host
from orchestrator.hosts.inventory import Inventory
from orchestrator.hosts.inventory import load as load_inventory
from orchestrator.hosts.local import LocalHost
from orchestrator.hosts.ssh import connect

T = TypeVar("T")

LOCAL = "local"
CONNECT_LIMIT_S = 30.0
AT_ONCE = 16


class HostSelector:
    """The way to hosts: an inventory, if there is one, and an SSH configuration."""

    def __init__(self, inventory: Path | None, ssh_config: Path | None) -> None:
        self.inventory = load_inventory(inventory) if inventory else Inventory()
        self._ssh_config = ssh_config

    def names(self, words: Sequence[str]) -> list[str]:
        """The hosts that words mean, each once. ``BadInput`` for a word that cannot be one."""
        names = list(dict.fromkeys(name for word in words for name in self.inventory.named(word)))
        for name in names:
            if name != LOCAL:
                self.inventory.address(name)
        return names

    def connect(self, name: str) -> Host:
        """Return a connected host."""
        if name == LOCAL:
            return LocalHost(name)
        address = self.inventory.address(name)
        if self._ssh_config is not None:
            address = address.with_config(self._ssh_config)
        return connect(name, address, CONNECT_LIMIT_S)

    def run_on_each(
        self, names: Sequence[str], act: Callable[[Host], T]
    ) -> Iterator[tuple[str, T | HostError]]:
        """Do something on several hosts at once; yield what came of it, or the error, in the order of the names."""

        def visit(name: str) -> T | HostError:
            try:
                host = self.connect(name)
                try:
                    return act(host)
                finally:
                    host.close()
            except HostError as error:
                return error

        with ThreadPoolExecutor(AT_ONCE) as pool:
            yield from zip(names, pool.map(visit, names), strict=True)
