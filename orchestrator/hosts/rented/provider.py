"""Base class of providers that rent machines: faults are reported before anything is rented, costs in the plan."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from orchestrator.environments import Environment
from orchestrator.errors import BadInput
from orchestrator.experiment.model import Kernel
from orchestrator.hosts.base import Host, Machine
from orchestrator.hosts.machine.bootable import BootableMachine
from orchestrator.hosts.power import Power
from orchestrator.hosts.provider import Provider, ProviderRequest, Quote
from orchestrator.hosts.rented.cloud import Cloud, NotConfigured
from orchestrator.hosts.rented.lease import Lease
from orchestrator.hosts.rented.leased import START_LIMIT_S, LeasedMachine

DEFAULT_HOURS = 8.0
"""The cloud ends a machine after this time if the experiment has no ``limits.max_hours``."""


class CloudPower(Power):
    """Power control by the cloud's API."""

    name = "cloud"

    def __init__(self, value: Any) -> None:
        if not isinstance(value, LeasedMachine):
            raise ValueError("not for inventories: providers that rent machines set it")
        self._leased = value

    def cycle(self) -> None:
        """See :meth:`Power.cycle`."""
        self._leased.power_cycle()


class RentedMachine(Machine):
    """A rented machine with its running kernel."""

    environment: Environment | None = None

    def __init__(self, leased: LeasedMachine) -> None:
        self.name = leased.name
        self._leased = leased
        self._host = leased.host

    def boot(self, kernel: Kernel) -> Host:
        """Return the connected machine with the running kernel, whichever ``kernel`` is."""
        return self._host or self.reconnect()

    def reconnect(self) -> Host:
        """See :meth:`Machine.reconnect`."""
        self.close()
        self._host = self._leased.reconnect()
        return self._host

    def close(self) -> None:
        """Close the connection."""
        if self._host is not None:
            self._host.close()
            self._host = None


class BootableRentedMachine(BootableMachine):
    """A rented machine that boots kernels. It is given back at the end, so nobody needs its own kernel again."""

    def restore_kernel(self) -> Host | None:
        """Return None."""
        return None


COMMON_OPTIONS: Mapping[str, Any] = {
    "ssh_from": {
        "type": "string",
        "minLength": 1,
        "description": "Addresses (CIDR) that may connect. Default: this machine's.",
    },
    "count": {
        "type": "integer",
        "minimum": 1,
        "default": 1,
        "description": "Number of machines, all of one type. More than one require hosts.fleet: shard.",
    },
    "boot": {
        "type": "boolean",
        "default": True,
        "description": "Whether to boot the machine for each block; false: its own kernel keeps running.",
    },
}
"""Properties of the section of each cloud (JSON Schema, by key)."""


class RentedProvider(Provider):
    """Rents machines for a run and gives them back at the end, also when the run is interrupted or fails."""

    creates_hosts = True
    rents = True
    supports_fleets = True
    boot_estimate = 900.0
    """Metal takes more than 10 minutes to stop and more than 20 to start; see docs/clouds.md."""

    def __init__(self, request: ProviderRequest) -> None:
        if request.host:
            raise BadInput(
                f"--host cannot be combined with the {self.name} provider, which rents its machine"
            )
        self.cloud = self.open(request.options)
        self.host_count = _checked_count(self.name, request)
        try:
            self.location = self.scope
        except (BadInput, NotConfigured):  # plans need no account
            self.location = self.name
        self.boots_kernels = bool(request.options.get("boot", True))
        self._needs = request.needs
        self._boot_limit = max(request.boot_limit, START_LIMIT_S)
        self.hours = request.max_hours or DEFAULT_HOURS
        self.types = self.cloud.estimate(request.needs)
        if not self.types and not self.cloud.lists_types:
            raise BadInput(
                f"hosts.needs: no known {self.name} machine type meets the needs; list types in hosts.{self.name}.types"
            )

    @property
    def scope(self) -> str:
        """See :attr:`Provider.scope`; ``HostError`` or ``BadInput`` where the configuration of the cloud is missing."""
        return f"{self.name}: {self.cloud.location}"

    def shown(self, host: str = "") -> str:
        """See :meth:`Provider.shown`."""
        return self.location if self.host_count == 1 else f"{self.location}, {self.host_count} machines"

    @classmethod
    @abstractmethod
    def open(cls, options: Mapping[str, Any]) -> Cloud:
        """Return the cloud of the options of a file; ``BadInput`` names invalid ones. Contacts nobody."""

    def quote(self, seconds: float) -> Quote:
        """See :meth:`Provider.quote`."""
        names = tuple(one.name for one in self.types)
        hours, end, count = seconds / 3600, self.cloud.end, self.host_count
        if not names:
            return Quote(
                f"a machine type of {self.location} that meets hosts.needs",
                (),
                hours,
                None,
                "",
                end,
                count=count,
            )
        first = self.types[0]
        spot, hints = self.cloud.interrupts, self.cloud.hints
        return Quote(first.name, names, hours, first.price, first.price_date, end, spot, hints, count)

    @contextmanager
    def machine(self, log_folder: Path) -> Iterator[Machine]:
        """See :meth:`Provider.machine`."""
        with self.machines(log_folder) as (machine,):
            yield machine

    @contextmanager
    def machines(self, log_folder: Path) -> Iterator[Sequence[Machine]]:
        """See :meth:`Provider.machines`; they are connected."""
        lease = self._lease(log_folder)
        with lease.held():
            try:
                machines = [self._machine(leased, log_folder) for leased in lease.obtain()]
                for machine in machines:
                    machine.deadline = lease.deadline
                try:
                    yield machines
                finally:
                    for machine in machines:
                        machine.close()
            finally:
                lease.give_back()

    def give_back(self, log_folder: Path) -> None:
        """See :meth:`Provider.give_back`."""
        lease = self._lease(log_folder)
        with lease.held():
            lease.give_back()

    def _lease(self, log_folder: Path) -> Lease:
        """Return the lease of a run. Its id is the name of its directory."""
        run = log_folder.name
        return Lease(
            self.cloud,
            self.name,
            run,
            self._needs,
            self.hours,
            self.host_count,
            note=self.note,
            stopped_by=self.stopped_by,
        )

    def _machine(self, leased: LeasedMachine, log_folder: Path) -> Machine:
        machine = self._bootable(leased, log_folder) if self.boots_kernels else RentedMachine(leased)
        if self.cloud.interrupts:
            machine.interruption = leased.interruption
        return machine

    def _bootable(self, leased: LeasedMachine, log_folder: Path) -> Machine:
        leased.close()
        return BootableRentedMachine(
            leased.name,
            leased.reconnect,
            CloudPower(leased),
            None,
            log_folder,
            self._boot_limit,
            {},
            (),
            note=self.note,
        )


def _checked_count(provider: str, request: ProviderRequest) -> int:
    """Return the number of machines; ``BadInput`` where it does not fit ``hosts.fleet``."""
    count = int(request.options.get("count", 1))
    key = f"hosts.{provider}.count"
    if request.fleet == "replicate":
        raise BadInput(
            f"hosts.fleet: replicate: machines of the {provider} provider have no names before they are rented; "
            "use shard"
        )
    if request.fleet and count == 1:
        raise BadInput(f"hosts.fleet: {request.fleet}: {key} is 1; set it to the number of machines to rent")
    if count > 1 and not request.fleet:
        raise BadInput(f"{key} is {count}; set hosts.fleet: shard to divide the cells among the machines")
    return count
