"""``qemu``: a NUMA guest of our own making on this machine, booted anew for each kernel and boot."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar

from orchestrator.environments import Environment
from orchestrator.errors import BadInput, HostError, KernelError
from orchestrator.experiment.model import Kernel, Needs
from orchestrator.hosts.base import Clock, Host, Machine, Provider, ProviderRequest
from orchestrator.hosts.guest.acceleration import choose_environment, describe_hypervisor
from orchestrator.hosts.guest.guest import Boot, Guest, Logs, start_guest
from orchestrator.hosts.guest.layout import OPTIONS_SCHEMA, Layout, parse_layout
from orchestrator.kernels.obtain import obtain
from orchestrator.kernels.proof import Identity

log = logging.getLogger(__name__)

BOOT_ATTEMPTS = 3
"""So often a guest is started that dies of its emulator; rare on an idle machine, seen now and then on a busy one."""


class QemuMachine(Machine):
    """A guest through all its boots; each boot starts from nothing and leaves a console log of its own."""

    name = "guest"

    def __init__(self, layout: Layout, environment: Environment, log_folder: Path, boot_limit: float) -> None:
        self.environment: Environment | None = environment
        self.clock: Clock = "instructions" if environment is Environment.VM_ICOUNT else "wall"
        self.hypervisor = describe_hypervisor()
        self._layout = layout
        self._in = environment
        self._log_folder = log_folder
        self._boot_limit = boot_limit
        self._guest: Guest | None = None
        self._host: Host | None = None

    def boot(self, kernel: Kernel) -> Host:
        """Start a guest under ``kernel``, ending the one before; ``KernelError`` if the kernel does not come up."""
        self.close()
        files = obtain(kernel)
        for attempt in range(1, BOOT_ATTEMPTS + 1):
            boot = Boot(self.name, self._layout, self._in, files, self._next_logs(), self._boot_limit)
            try:
                self._guest = start_guest(boot)
                break
            except KernelError:
                if attempt == BOOT_ATTEMPTS or not self._died_of_emulator(boot):
                    raise
                log.warning("%s died of its emulator (%s); starting it again", self.name, boot.logs.console)
        return self.reconnect()

    def identity(self, kernel: Kernel) -> Identity:
        """See :meth:`Machine.identity`; here the default is a kernel that we know."""
        return obtain(kernel).identity

    def reconnect(self) -> Host:
        """Connect to the guest that runs; ``HostError`` if none does."""
        if self._guest is None:
            raise HostError(f"{self.name}: no guest runs; boot one first")
        if self._host is not None:
            self._host.close()
        self._host = self._guest.connect()
        return self._host

    def close(self) -> None:
        """End the guest; its logs stay."""
        if self._host is not None:
            self._host.close()
            self._host = None
        if self._guest is not None:
            self._guest.stop()
            self._guest = None

    def _died_of_emulator(self, boot: Boot) -> bool:
        """Only where each CPU is a thread of TCG; the same words of another guest are its kernel's fault."""
        return self._in is Environment.VM_TCG and boot.logs.tell_of_emulator

    def _next_logs(self) -> Logs:
        """Logs of a boot are numbered on from those in the folder: a resumed run keeps what came before."""
        self._log_folder.mkdir(parents=True, exist_ok=True)
        number = 1
        while (console := self._log_folder / f"guest-{number}.console.log").exists():
            number += 1
        return Logs(console, self._log_folder / f"guest-{number}.qemu.log")


class QemuProvider(Provider):
    """Runs trials in a guest with as many NUMA nodes as the file says."""

    name = "qemu"
    options_schema: ClassVar[Mapping[str, Any]] = OPTIONS_SCHEMA
    boots_kernels = True
    creates_hosts = True
    boot_estimate = 13.0

    def __init__(self, request: ProviderRequest) -> None:
        self.location = self.name
        self._layout = parse_layout(request.options)
        self._boot_limit = request.boot_limit
        _check_needs(self._layout, request.needs)

    @contextmanager
    def machine(self, log_folder: Path) -> Iterator[Machine]:
        """See :meth:`Provider.machine`; the guest starts with :meth:`QemuMachine.boot`."""
        machine = QemuMachine(self._layout, choose_environment(self._layout), log_folder, self._boot_limit)
        try:
            yield machine
        finally:
            machine.close()


def _check_needs(layout: Layout, needs: Needs) -> None:
    """The guest is ours to lay out, so needs that its layout does not meet are a fault of the file."""
    faults = []
    if len(layout.nodes) < needs.numa_nodes:
        faults.append(
            f"hosts.qemu.nodes: {len(layout.nodes)} nodes, but hosts.needs wants {needs.numa_nodes}"
        )
    for index, node in enumerate(layout.nodes):
        if node.memory < needs.memory_per_node:
            faults.append(
                f"hosts.qemu.nodes[{index}].memory: {node.memory} bytes, but hosts.needs wants {needs.memory_per_node}"
            )
    if faults:
        raise BadInput(*faults)
