"""``ssh``: machines with an SSH server."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

from orchestrator.environments import Environment
from orchestrator.errors import BadInput, HostError
from orchestrator.experiment.model import Kernel
from orchestrator.hosts.base import Host, Machine
from orchestrator.hosts.inventory.connection import OtherConnection
from orchestrator.hosts.inventory.inventory import Inventory
from orchestrator.hosts.inventory.inventory import load as load_inventory
from orchestrator.hosts.machine.bootable import BootableMachine
from orchestrator.hosts.machine.console import Console
from orchestrator.hosts.machine.printing import BootingHost, placeholder_files
from orchestrator.hosts.power import find_power
from orchestrator.hosts.printing import PrintingMachine
from orchestrator.hosts.provider import Provider, ProviderRequest
from orchestrator.hosts.ssh import SshAddress

log = logging.getLogger(__name__)

CONNECT_LIMIT_S = 30.0


class SshMachine(Machine):
    """A machine with an SSH server and the running kernel."""

    environment: Environment | None = None

    def __init__(self, name: str, address: SshAddress, inventory: Inventory) -> None:
        self.name = name
        self.variables = inventory.variables(name)
        self.groups = inventory.groups_of(name)
        self._inventory = inventory
        self._address = address
        self._host: Host | None = None

    def boot(self, kernel: Kernel) -> Host:
        """Return the connected host with the running kernel, whichever ``kernel`` is."""
        return self._host or self.reconnect()

    def reconnect(self) -> Host:
        """Close the connection, if any, and connect."""
        self.close()
        self._host = self._inventory.connect(self.name, self._address, CONNECT_LIMIT_S)
        return self._host

    def close(self) -> None:
        """Close the connection."""
        if self._host is not None:
            self._host.close()
            self._host = None


class SshProvider(Provider):
    """Runs trials by SSH: on the named host, on the first reachable host of a group, or on all of them."""

    name = "ssh"
    supports_fleets = True
    supports_limit = True
    uses_inventory = True
    options_schema: ClassVar[dict[str, Any]] = {
        "type": "object",
        "description": "Run on a machine with an SSH server.",
        "additionalProperties": False,
        "properties": {
            "host": {
                "type": "string",
                "minLength": 1,
                "description": "A host of the inventory, or [user@]host[:port]. Replaces hosts.group.",
            },
            "boot": {
                "type": "boolean",
                "description": "Whether to boot a machine with `power` in the inventory for each block. Default: true.",
            },
        },
    }

    def __init__(self, request: ProviderRequest, inventory: Inventory | None = None) -> None:
        """See :meth:`Provider.__init__`; ``inventory``: used instead of that of the request."""
        if inventory is None:
            inventory = load_inventory(request.inventory) if request.inventory else Inventory()
        named = request.host or request.options.get("host")
        if not named and not request.group:
            raise BadInput("the ssh provider needs a host: set --host, hosts.ssh.host or hosts.group")
        names = inventory.resolve(str(named)) if named else inventory.group(request.group)
        names = inventory.limited(names, request.limit)
        self._addresses, others = _addresses(inventory, names)
        names = tuple(self._addresses)
        self.location = f"{self.name}: {', '.join(names)}"
        if request.fleet:
            self.hosts = tuple(names)
            self.other_hosts = others
            # Without the host names: hosts may be added to the group and removed between the starts of a run.
            self.location = f"{self.name}: {named or request.group}"
        self._inventory = inventory
        self._boot_limit = request.boot_limit
        self._powers = {
            name: find_power(name, variables["power"])
            for name in names
            if "power" in (variables := inventory.variables(name)) and request.options.get("boot", True)
        }
        self._consoles = {
            name: Console(name, variables["console"])
            for name in self._powers
            if "console" in (variables := inventory.variables(name))
        }
        self.boots_kernels = len(self._powers) == len(names)
        if request.ssh_config is not None:
            self._addresses = {
                name: address.with_config(request.ssh_config) for name, address in self._addresses.items()
            }

    @property
    def candidates(self) -> tuple[str, ...]:
        """See :attr:`Provider.candidates`."""
        return tuple(self._addresses)

    def shown(self, host: str = "") -> str:
        """See :meth:`Provider.shown`."""
        names = [host] if host else list(self._addresses)
        words = [_shown(name, self._addresses[name]) for name in names]
        hints = [f"; {hint}" for hint in map(self._inventory.unknown, names) if hint]
        one_of = "the first that can be reached of " if len(names) > 1 else ""
        return f"{one_of}{', '.join(words)}, by SSH{''.join(hints)}"

    def connections(self, host: str = "") -> Iterator[Sequence[str]]:
        """See :meth:`Provider.connections`."""
        for name in [host] if host else self._addresses:
            yield self._addresses[name].command

    @contextmanager
    def machine(self, log_folder: Path) -> Iterator[Machine]:
        """See :meth:`Provider.machine`; ``HostError`` lists the error of each host if none is reachable."""
        errors: list[str] = []
        for name, address in self._addresses.items():
            machine = self._machine(name, address, log_folder)
            try:
                machine.reconnect()
            except HostError as error:
                errors += error.lines
                continue
            try:
                yield machine
            finally:
                machine.close()
            return
        raise HostError(*errors)

    def controls(self, host: str = "") -> Iterator[tuple[str, str, Any]]:
        """See :meth:`Provider.controls`; machines that are not booted are not controlled."""
        for name in ([host] if host else self._addresses) if self.boots_kernels else ():
            variables = self._inventory.variables(name)
            yield from ((name, key, variables[key]) for key in ("power", "console") if key in variables)

    def printing_machine(self, host: str, print_line: Callable[[str], None]) -> Machine:
        """See :meth:`Provider.printing_machine`."""
        name = host or self.candidates[0]
        variables, groups = self._inventory.variables(name), self._inventory.groups_of(name)
        if not self.boots_kernels:
            return PrintingMachine(name, print_line, variables, groups)
        printing = BootingHost(name, print_line)
        return BootableMachine(
            name,
            lambda: printing,
            self._powers[name],
            None,
            Path(),
            self._boot_limit,
            variables,
            groups,
            placeholder_files,
        )

    @contextmanager
    def machines(self, log_folder: Path) -> Iterator[Sequence[Machine]]:
        """See :meth:`Provider.machines`."""
        machines = [self._machine(name, address, log_folder) for name, address in self._addresses.items()]
        try:
            yield machines
        finally:
            for machine in machines:
                machine.close()

    def _machine(self, name: str, address: SshAddress, log_folder: Path) -> Machine:
        if not self.boots_kernels:
            return SshMachine(name, address, self._inventory)
        return BootableMachine(
            name,
            partial(self._inventory.connect, name, address, CONNECT_LIMIT_S),
            self._powers[name],
            self._consoles.get(name),
            log_folder,
            self._boot_limit,
            self._inventory.variables(name),
            self._inventory.groups_of(name),
        )


def _shown(name: str, address: SshAddress) -> str:
    return name if name == str(address) else f"{name} ({address})"


def _addresses(inventory: Inventory, names: Sequence[str]) -> tuple[dict[str, SshAddress], dict[str, str]]:
    """Return the addresses of hosts, and why others have none: they are not reached by SSH, which is a warning.

    An error if no host is left.
    """
    addresses = {}
    others: dict[str, OtherConnection] = {}
    for name in names:
        try:
            addresses[name] = inventory.address_to_connect(name)
        except OtherConnection as error:
            others[name] = error
    if others and not addresses:
        raise next(iter(others.values()))
    for other in others.values():
        log.warning("%s; not used", other)
    return addresses, {name: f"ansible_connection={other.connection}" for name, other in others.items()}
