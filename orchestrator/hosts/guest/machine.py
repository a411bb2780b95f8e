"""A guest as a machine: started anew for each boot."""

from __future__ import annotations

import contextlib
import logging
from itertools import count
from pathlib import Path

from orchestrator.activities import doing
from orchestrator.environments import Environment
from orchestrator.errors import HostError, KernelError
from orchestrator.experiment.model import Kernel
from orchestrator.hosts.base import Host, Machine
from orchestrator.hosts.facts_model import Facts
from orchestrator.hosts.guest import shape
from orchestrator.hosts.guest.acceleration import describe_hypervisor
from orchestrator.hosts.guest.guest import Boot, Guest, Logs, start_guest
from orchestrator.hosts.guest.layout import Layout
from orchestrator.kernels.obtain import obtain
from orchestrator.kernels.verification import Identity

log = logging.getLogger(__name__)

BOOT_ATTEMPTS = 3
"""How often a guest is started that a defect of QEMU kills; this happens on busy machines."""


HOST = "guest"
"""What the host is called in records: guests beside each other are the same machine."""


class QemuMachine(Machine):
    """A guest. Each boot starts with a new initramfs and has a console log of its own.

    :param name: tells guests apart that run at the same time.
    """

    def __init__(
        self, name: str, layout: Layout, environment: Environment, log_folder: Path, boot_limit: float
    ) -> None:
        self.name = name
        self.environment: Environment | None = environment
        self.hypervisor = describe_hypervisor(layout.architecture)
        self._layout = layout
        self._environment = environment
        self._log_folder = log_folder
        self._boot_limit = boot_limit
        self._guest: Guest | None = None
        self._host: Host | None = None

    def boot(self, kernel: Kernel) -> Host:
        """Stop the running guest and start one with ``kernel``; ``KernelError`` if the kernel does not boot."""
        self.close()
        files = obtain(self._layout.kernel(kernel))
        for attempt in range(1, BOOT_ATTEMPTS + 1):
            boot = Boot(HOST, self._layout, self._environment, files, self._next_logs(), self._boot_limit)
            try:
                with doing(self.name, "booting", self._boot_limit):
                    self._guest = start_guest(boot)
                break
            except KernelError:
                if attempt == BOOT_ATTEMPTS or not self._was_killed_by_qemu(boot):
                    raise
                log.warning(
                    "%s was killed by a defect of QEMU before 8.1 (see %s); starting it again",
                    self.name,
                    boot.logs.console,
                )
        return self.reconnect()

    def identity(self, kernel: Kernel) -> Identity:
        """See :meth:`Machine.identity`; the identity of the default kernel is known here."""
        return obtain(self._layout.kernel(kernel)).identity

    def differences(self, facts: Facts) -> list[str]:
        """See :meth:`Machine.differences`: the guest's kernel may number the nodes otherwise."""
        return shape.differences(self._layout, facts)

    def reconnect(self) -> Host:
        """Connect to the running guest; ``HostError`` if none runs."""
        if self._guest is None:
            raise HostError(f"{self.name}: no guest is running")
        if self._host is not None:
            self._host.close()
        self._host = self._guest.connect()
        return self._host

    def close(self) -> None:
        """Stop the guest; its logs are kept."""
        if self._host is not None:
            self._host.close()
            self._host = None
        if self._guest is not None:
            self._guest.stop()
            self._guest = None

    def _was_killed_by_qemu(self, boot: Boot) -> bool:
        """Whether the defect of QEMU stopped the boot. It affects multi-threaded TCG only."""
        return self._environment is Environment.VM_TCG and boot.logs.show_qemu_defect

    def _next_logs(self) -> Logs:
        """Return log files with the next free number: a resumed run keeps the earlier logs, a guest beside this one has
        its own.
        """
        self._log_folder.mkdir(parents=True, exist_ok=True)
        for number in count(1):
            logs = Logs(*(self._log_folder / f"guest-{number}.{name}.log" for name in ("console", "qemu")))
            with contextlib.suppress(FileExistsError):
                logs.console.touch(0o600, exist_ok=False)
                logs.qemu.touch(0o600)
                return logs
        raise AssertionError("unreachable")
