"""``slurm``: a cluster where each block runs as a job."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any, ClassVar

from orchestrator.errors import BadInput
from orchestrator.hosts.base import Host, Machine, Provider, ProviderRequest
from orchestrator.hosts.batch import BatchSession, BatchSystem
from orchestrator.hosts.inventory import Inventory
from orchestrator.hosts.inventory import load as load_inventory
from orchestrator.hosts.local import LocalHost
from orchestrator.hosts.printing import PrintingHost
from orchestrator.hosts.slurm.check import describe, try_jobs
from orchestrator.hosts.slurm.options import OPTIONS_SCHEMA, SlurmOptions, read_options
from orchestrator.hosts.slurm.session import SlurmSession
from orchestrator.hosts.ssh import SshAddress, connect

CONNECT_LIMIT_S = 30.0
THIS_MACHINE = "this machine"


class SlurmSystem(BatchSystem):
    """See :class:`~orchestrator.hosts.batch.BatchSystem`.

    :param login: name and address of the login node; None: this machine.
    :param connect_login: connects to it; None: in the usual way.
    """

    def __init__(
        self,
        options: SlurmOptions,
        login: tuple[str, SshAddress] | None,
        connect_login: Callable[[], Host] | None = None,
    ) -> None:
        self.features = options.features
        self.max_jobs = options.max_jobs
        self.time_limit = options.time
        self.poll = options.poll
        self.lost_after = options.lost_after
        self._options = options
        self._login = login
        self._connect_login = connect_login

    @contextmanager
    def session(self, run: str) -> Iterator[BatchSession]:
        """See :meth:`BatchSystem.session`."""
        session = SlurmSession(self._connect, self._options, run)
        try:
            yield session
        finally:
            session.login.close()

    def describe(self, kernels: Iterable[str]) -> list[str]:
        """See :meth:`BatchSystem.describe`."""
        login = self._connect()
        try:
            return describe(login, self._options, kernels)
        finally:
            login.close()

    def printing(self, print_line: Callable[[str], None]) -> BatchSystem:
        """See :meth:`BatchSystem.printing`."""
        name = self._login[0] if self._login else THIS_MACHINE
        return SlurmSystem(self._options, self._login, lambda: PrintingHost(name, print_line))

    def try_jobs(self, kernels: Iterable[str], minutes: int) -> list[str]:
        """See :meth:`BatchSystem.try_jobs`."""
        login = self._connect()
        try:
            return try_jobs(login, self._options, kernels, minutes)
        finally:
            login.close()

    def _connect(self) -> Host:
        if self._connect_login is not None:
            return self._connect_login()
        if self._login is None:
            return LocalHost(THIS_MACHINE)
        return connect(*self._login, CONNECT_LIMIT_S)


class SlurmProvider(Provider):
    """Runs each block as a job of a Slurm cluster."""

    name = "slurm"
    uses_inventory = True
    options_schema: ClassVar[Mapping[str, Any]] = OPTIONS_SCHEMA

    def __init__(self, request: ProviderRequest) -> None:
        options = read_options(request.options)
        login = str(request.options.get("login", ""))
        self.location = f"{self.name}: {login or 'this machine'}"
        self.batch = SlurmSystem(options, _address(login, request) if login else None)

    def machine(self, log_folder: Path) -> AbstractContextManager[Machine]:
        """Refuse: blocks run as jobs, see :class:`~orchestrator.hosts.batch.BatchSystem`."""
        raise BadInput(
            f"the {self.name} provider runs blocks as jobs; this command needs a host: use the ssh provider"
        )


def _address(login: str, request: ProviderRequest) -> tuple[str, SshAddress]:
    inventory = load_inventory(request.inventory) if request.inventory else Inventory()
    names = inventory.resolve(login)
    if len(names) != 1:
        raise BadInput(f"hosts.slurm.login: {login}: names {len(names)} hosts of the inventory, not one")
    address = inventory.address(names[0])
    return names[0], address.with_config(request.ssh_config) if request.ssh_config else address
