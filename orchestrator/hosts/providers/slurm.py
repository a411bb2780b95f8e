"""``slurm``: a cluster where each block runs as a job."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any, ClassVar

from orchestrator.environments import Environment
from orchestrator.errors import BadInput
from orchestrator.hosts.base import Host, Machine
from orchestrator.hosts.batch import BatchSession, BatchSystem
from orchestrator.hosts.guest.layout import Layout, parse_layout
from orchestrator.hosts.inventory.inventory import Inventory
from orchestrator.hosts.inventory.inventory import load as load_inventory
from orchestrator.hosts.local import LocalHost
from orchestrator.hosts.printing import PrintingHost
from orchestrator.hosts.provider import Provider, ProviderRequest
from orchestrator.hosts.providers.qemu import QemuProvider, check_needs
from orchestrator.hosts.providers.ssh import SshProvider
from orchestrator.hosts.slurm.check import describe, try_jobs
from orchestrator.hosts.slurm.environment import for_commands
from orchestrator.hosts.slurm.guest import GuestSession
from orchestrator.hosts.slurm.options import OPTIONS_SCHEMA, SlurmOptions, read_options
from orchestrator.hosts.slurm.reserved import AfterRun, ReservedNodes
from orchestrator.hosts.slurm.session import SlurmSession
from orchestrator.hosts.ssh import SshAddress, connect

CONNECT_LIMIT_S = 30.0
THIS_MACHINE = "this machine"


class SlurmSystem(BatchSystem):
    """See :class:`~orchestrator.hosts.batch.BatchSystem`.

    :param login: name and address of the login node; None: this machine.
    :param connect_login: connects to it; None: in the usual way.
    :param layout: of guests, where jobs boot guests; ``boot_limit``: seconds that each boot may take.
    """

    def __init__(
        self,
        options: SlurmOptions,
        login: tuple[str, SshAddress] | None,
        connect_login: Callable[[], Host] | None = None,
        *,
        layout: Layout,
        boot_limit: float,
    ) -> None:
        self.features = options.features
        self.guest = options.guest
        self.max_jobs = options.max_jobs
        self.time_limit = options.time
        self.poll = options.poll
        self.lost_after = options.lost_after
        self._options = options
        self._login = login
        self._connect_login = connect_login
        self._layout = layout
        self._boot_limit = boot_limit

    @contextmanager
    def session(self, run: str) -> Iterator[BatchSession]:
        """See :meth:`BatchSystem.session`."""
        if self.guest:
            session: SlurmSession = GuestSession(
                self.connect, self._options, run, self._layout, self._boot_limit
            )
        else:
            session = SlurmSession(self.connect, self._options, run)
        try:
            yield session
        finally:
            session.login.close()

    def describe(self, kernels: Iterable[str]) -> list[str]:
        """See :meth:`BatchSystem.describe`."""
        login = self.connect()
        try:
            return describe(login, self._options, kernels)
        finally:
            login.close()

    def printing(self, print_line: Callable[[str], None]) -> BatchSystem:
        """See :meth:`BatchSystem.printing`."""
        name = self._login[0] if self._login else THIS_MACHINE
        return SlurmSystem(
            self._options,
            self._login,
            lambda: PrintingHost(name, print_line),
            layout=self._layout,
            boot_limit=self._boot_limit,
        )

    def try_jobs(self, kernels: Iterable[str], minutes: int) -> list[str]:
        """See :meth:`BatchSystem.try_jobs`."""
        login = self.connect()
        try:
            return try_jobs(login, self._options, kernels, minutes)
        finally:
            login.close()

    def connect(self) -> Host:
        """Connect to the login node."""
        if self._connect_login is not None:
            return self._connect_login()
        if self._login is None:
            return LocalHost(THIS_MACHINE, for_commands(os.environ))
        return connect(*self._login, CONNECT_LIMIT_S)


class SlurmProvider(Provider):
    """Runs each block as a job of a Slurm cluster, or boots the nodes of a reservation by SSH."""

    name = "slurm"
    uses_inventory = True
    supports_fleets = True
    options_schema: ClassVar[Mapping[str, Any]] = OPTIONS_SCHEMA

    def __init__(self, request: ProviderRequest) -> None:
        options = read_options(request.options)
        login = str(request.options.get("login", ""))
        inventory = load_inventory(request.inventory) if request.inventory else Inventory()
        address = _address(login, request, inventory) if login else None
        self.location = f"{self.name}: {login or THIS_MACHINE}"
        layout = parse_layout(request.guest)
        self._is_on_instruction_clock = False
        if options.guest:
            check_needs(layout, request.needs)
            self.boot_estimate = QemuProvider.boot_estimate
            self.location += f", in guests of {layout}"
            self._is_on_instruction_clock = layout.clock == "instructions"
        self._system = SlurmSystem(options, address, layout=layout, boot_limit=request.boot_limit)
        self._login = address
        self._reserved: ReservedNodes | None = None
        if not options.boots:
            if request.fleet:
                raise BadInput(
                    "hosts.fleet: jobs of Slurm run on any node, which the site chooses; remove it, or boot the nodes "
                    "of a reservation with hosts.slurm.boot: ssh"
                )
            self.batch = self._system
            return
        self._reserved = ReservedNodes(SshProvider, request, inventory, address, self._system.connect)
        self.location += f", reservation {self._reserved.name}, by SSH"
        self.hosts = self._reserved.hosts
        self.boots_kernels = True

    @property
    def expected_environment(self) -> str:
        """See :attr:`Provider.expected_environment`; nodes decide whether guests use KVM."""
        return Environment.VM_ICOUNT if self._is_on_instruction_clock else ""

    @property
    def candidates(self) -> tuple[str, ...]:
        """See :attr:`Provider.candidates`."""
        return self._reserved.candidates if self._reserved else ()

    def connections(self, host: str = "") -> Iterator[Sequence[str]]:
        """See :meth:`Provider.connections`; the first one is that of the login node."""
        if self._login is not None:
            yield self._login[1].command
        if self._reserved is not None:
            yield from self._reserved.connections(host)

    def controls(self, host: str = "") -> Iterator[tuple[str, str, Any]]:
        """See :meth:`Provider.controls`."""
        if self._reserved is not None:
            yield from self._reserved.controls(host)

    def describe(self, kernels: Iterable[str]) -> list[str]:
        """See :meth:`Provider.describe`."""
        if self._reserved is None:
            return self._system.describe(kernels)
        return [*self._system.describe(()), self._reserved.describe()]

    def machine(self, log_folder: Path) -> AbstractContextManager[Machine]:
        """See :meth:`Provider.machine`; refused where blocks run as jobs, see :class:`BatchSystem`."""
        if self._reserved is None:
            raise BadInput(
                f"the {self.name} provider runs blocks as jobs; this command needs a host: use the ssh provider"
            )
        return self._reserved.machine(log_folder, self.duration, AfterRun(self.note, self.stopped_by))

    def machines(self, log_folder: Path) -> AbstractContextManager[Sequence[Machine]]:
        """See :meth:`Provider.machines`."""
        if self._reserved is None:
            return super().machines(log_folder)
        return self._reserved.machines(log_folder, self.duration, AfterRun(self.note, self.stopped_by))

    def printing_machine(self, host: str, print_line: Callable[[str], None]) -> Machine | None:
        """See :meth:`Provider.printing_machine`."""
        return self._reserved.printing_machine(host, print_line) if self._reserved else None


def _address(login: str, request: ProviderRequest, inventory: Inventory) -> tuple[str, SshAddress]:
    names = inventory.resolve(login)
    if len(names) != 1:
        raise BadInput(f"hosts.slurm.login: {login}: names {len(names)} hosts of the inventory, not one")
    address = inventory.address(names[0])
    return names[0], address.with_config(request.ssh_config) if request.ssh_config else address
