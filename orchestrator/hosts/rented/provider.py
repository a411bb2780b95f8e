"""Base class of providers that rent machines: faults are reported before anything is rented, costs in the plan."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from orchestrator.environments import Environment
from orchestrator.errors import BadInput
from orchestrator.experiment.model import Kernel
from orchestrator.hosts.base import Clock, Host, Machine, Provider, ProviderRequest, Quote
from orchestrator.hosts.machine.bootable import BootableMachine
from orchestrator.hosts.power import Power
from orchestrator.hosts.rented.cloud import Cloud
from orchestrator.hosts.rented.lease import START_LIMIT_S, Lease

DEFAULT_HOURS = 8.0
"""The cloud ends a machine after this time if the experiment has no ``limits.max_hours``."""


class CloudPower(Power):
    """Power control by the cloud's API."""

    name = "cloud"

    def __init__(self, value: Any) -> None:
        if not isinstance(value, Lease):
            raise ValueError("not for inventories: providers that rent machines set it")
        self._lease = value

    def cycle(self) -> None:
        """See :meth:`Power.cycle`."""
        self._lease.power_cycle()


class RentedMachine(Machine):
    """A rented machine with its running kernel."""

    clock: Clock = "wall"
    environment: Environment | None = None

    def __init__(self, name: str, lease: Lease, host: Host) -> None:
        self.name = name
        self._lease = lease
        self._host: Host | None = host

    def boot(self, kernel: Kernel) -> Host:
        """Return the connected machine with the running kernel, whichever ``kernel`` is."""
        return self._host or self.reconnect()

    def reconnect(self) -> Host:
        """See :meth:`Machine.reconnect`."""
        self.close()
        self._host = self._lease.reconnect()
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
    "boot": {
        "type": "boolean",
        "default": True,
        "description": "Whether to boot the machine for each block; false: its own kernel keeps running.",
    },
}
"""Properties of the section of each cloud (JSON Schema, by key)."""


class RentedProvider(Provider):
    """Rents one machine for a run and gives it back at the end, also when the run is interrupted or fails."""

    creates_hosts = True
    rents = True
    boot_estimate = 900.0
    """Metal takes more than 10 minutes to stop and more than 20 to start; see docs/clouds.md."""

    def __init__(self, request: ProviderRequest) -> None:
        if request.host:
            raise BadInput(
                f"--host cannot be combined with the {self.name} provider, which rents its machine"
            )
        self.cloud = self.open(request.options)
        self.location = f"{self.name}: {self.cloud.location}"
        self.boots_kernels = bool(request.options.get("boot", True))
        self._needs = request.needs
        self._boot_limit = max(request.boot_limit, START_LIMIT_S)
        self.hours = request.max_hours or DEFAULT_HOURS
        self.types = self.cloud.estimate(request.needs)
        if not self.types and not self.cloud.lists_types:
            raise BadInput(
                f"hosts.needs: no known {self.name} machine type meets the needs; list types in hosts.{self.name}.types"
            )

    @classmethod
    @abstractmethod
    def open(cls, options: Mapping[str, Any]) -> Cloud:
        """Return the cloud of the options of a file; ``BadInput`` names invalid ones. Contacts nobody."""

    def quote(self, seconds: float) -> Quote:
        """See :meth:`Provider.quote`."""
        names = tuple(one.name for one in self.types)
        hours, end = seconds / 3600, self.cloud.end
        if not names:
            return Quote(
                f"a machine type of {self.location} that meets hosts.needs", (), hours, None, "", end
            )
        first = self.types[0]
        spot, hints = self.cloud.interrupts, self.cloud.hints
        return Quote(first.name, names, hours, first.price, first.price_date, end, spot, hints)

    @contextmanager
    def machine(self, log_folder: Path) -> Iterator[Machine]:
        """See :meth:`Provider.machine`."""
        lease = self._lease(log_folder)
        with lease.held():
            try:
                host = lease.obtain()
                machine = self._machine(lease, host, log_folder)
                machine.deadline = lease.deadline
                if self.cloud.interrupts:
                    machine.interruption = lease.interruption
                try:
                    yield machine
                finally:
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
            self.cloud, self.name, run, self._needs, self.hours, note=self.note, stopped_by=self.stopped_by
        )

    def _machine(self, lease: Lease, host: Host, log_folder: Path) -> Machine:
        if not self.boots_kernels:
            return RentedMachine(host.name, lease, host)
        host.close()
        return BootableRentedMachine(
            host.name,
            lease.reconnect,
            CloudPower(lease),
            None,
            log_folder,
            self._boot_limit,
            {},
            (),
            note=self.note,
        )
