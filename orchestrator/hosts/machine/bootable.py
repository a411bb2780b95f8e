"""A machine with an SSH server that boots a kernel once for each block, then its own kernel again."""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, ClassVar

from msgspec.structs import replace

from orchestrator.environments import Environment
from orchestrator.errors import HostError, HostGone, HostLost, KernelError
from orchestrator.experiment.model import Kernel
from orchestrator.hosts import facts as host_facts
from orchestrator.hosts.base import Host, Machine
from orchestrator.hosts.command import script
from orchestrator.hosts.machine.boot import (
    TAG_PARAMETER,
    BootState,
    boot_state,
    command,
    install,
    kernel_tag,
)
from orchestrator.hosts.machine.console import Console
from orchestrator.hosts.power import Power
from orchestrator.hosts.waiting import waiting
from orchestrator.kernels.obtain import KernelFiles, obtain
from orchestrator.kernels.verification import Identity

log = logging.getLogger(__name__)

POLL_S = 2.0
RECONNECT_LIMIT_S = 30.0
"""A machine that cannot be reached for this long is considered down."""

MAX_FAILED_BOOTS = 2
"""A kernel that failed to boot this often is not tried again."""

_PSTORE = 'for f in /sys/fs/pstore/* /var/lib/systemd/pstore/*/*; do [ ! -f "$f" ] || { echo "== $f"; cat "$f"; }; done'


class BootableMachine(Machine):
    """Boots by the machine's boot loader or kexec. Its own kernel stays the default entry.

    :param connect: opens a connection; ``power``: power-cycles the machine if it cannot be reached after a boot.
    :param variables: its variables in the inventory; ``groups``: its groups there.
    :param boot_limit: seconds within which it must answer after a boot, and again after a power cycle.
    :param files_of: returns the files of a kernel, and makes them where they are missing.
    :param note: takes lines about a boot that takes long.
    """

    environment: Environment | None = None
    files_survive_boot: ClassVar[bool] = True

    def __init__(
        self,
        name: str,
        connect: Callable[[], Host],
        power: Power,
        console: Console | None,
        log_folder: Path,
        boot_limit: float,
        variables: Mapping[str, Any],
        groups: tuple[str, ...],
        files_of: Callable[[Kernel], KernelFiles] = obtain,
        note: Callable[[str], None] = lambda _text: None,
    ) -> None:
        self.name = name
        self.variables = variables
        self.groups = groups
        self._connect = connect
        self._power = power
        self._console = console
        self._logs = log_folder
        self._limit = boot_limit
        self._files_of = files_of
        self._note = note
        self._host: Host | None = None
        self._boot_id = ""
        self._lost = True  # until the first boot, or until a running one is adopted
        self._installed = ""
        self._own_identity: Identity | None = None
        self._failures: Counter[str] = Counter()
        self._changed = False

    def identity(self, kernel: Kernel) -> Identity:
        """See :meth:`Machine.identity`; for the machine's own kernel, that of the running one."""
        if not _is_own(kernel):
            files = self._files_of(kernel)
            parameters = (*files.identity.command_line, f"{TAG_PARAMETER}={kernel_tag(files)}")
            return replace(files.identity, command_line=parameters)
        if self._own_identity is None:
            host, state = self._connect_to_any_boot()
            if state.tag:  # an earlier controller was killed, and its kernel still runs
                host, state = self._boot_own_kernel(host, state)
            facts = host_facts.gather(host)
            self._own_identity = Identity(release=facts.release, build_id=facts.build_id)
        return self._own_identity

    def boot(self, kernel: Kernel) -> Host:
        """Boot ``kernel`` and return the host; if ``kernel`` does not boot, the host with its own kernel.

        The current boot is kept if it belongs to this block: after a lost connection or a killed controller.
        """
        tag = "" if _is_own(kernel) else kernel_tag(self._files_of(kernel))
        host, state = self._connect_to_any_boot()
        # Also if the current boot is kept: a controller that was killed may have booted it.
        self._changed = True
        if self._lost and state.tag == tag and (self._boot_id == state.boot or self._may_adopt(state)):
            return self._use(host, state)
        if state.tag:
            host, state = self._boot_own_kernel(host, state)
            if not tag:
                return self._use(host, state)
        if tag and self._failures[tag] >= MAX_FAILED_BOOTS:
            return self._use(host, state)
        if tag:
            self._prepare(host, state, kernel, tag)
        host, state = self._reboot(host, state)
        if state.tag != tag:
            self._failures[tag] += 1
            log.warning("%s: kernel %r did not boot; its own kernel runs again", self.name, kernel.name)
            self._save_log(host, "pstore", _PSTORE)
        return self._use(host, state)

    def reconnect(self) -> Host:
        """Connect again to the same boot; ``HostError`` if the machine was rebooted."""
        self._disconnect()
        host, state = self._wait("", RECONNECT_LIMIT_S)
        if self._boot_id and state.boot != self._boot_id:
            self._lost = True
            raise HostError(f"{self.name}: the host rebooted unexpectedly")
        self._host = host
        return host

    def take_over(self) -> None:
        """See :meth:`Machine.take_over`."""
        self._changed = True

    def restore_kernel(self) -> Host | None:
        """See :meth:`Machine.restore_kernel`; logs a warning on failure."""
        if not self._changed:
            return None
        self._changed = False
        try:
            host, state = self._connect_to_any_boot()
            if state.tag:
                host, state = self._boot_own_kernel(host, state)
            host.run(command("remove"))
        except HostError as error:
            log.warning("%s: cannot boot its own kernel again: %s", self.name, error)
            return None
        return host

    def close(self) -> None:
        """Restore the machine's own kernel, close the connection and stop the console log."""
        self.restore_kernel()
        self._disconnect()
        if self._console is not None:
            self._console.close()

    def _may_adopt(self, state: BootState) -> bool:
        return not self._boot_id and state.has_blocks

    def _use(self, host: Host, state: BootState) -> Host:
        self._host, self._boot_id, self._lost = host, state.boot, False
        return host

    def _prepare(self, host: Host, state: BootState, kernel: Kernel, tag: str) -> None:
        if state.obstacle:
            raise KernelError(f"{self.name}: {state.obstacle}")
        if self._installed != tag:
            install(host, self._files_of(kernel), self._limit if self._power.watchdog else 0)
            self._installed = tag
        host.run(command("once"))

    def _boot_own_kernel(self, host: Host, state: BootState) -> tuple[Host, BootState]:
        """Boot the machine's own kernel."""
        host, state = self._reboot(host, state)
        if state.tag:
            raise HostError(
                f"{self.name}: the boot loader did not clear its one-time entry, so the installed kernel boots again"
            )
        return host, state

    def _reboot(self, host: Host, state: BootState) -> tuple[Host, BootState]:
        """Reboot the machine and wait for it; power-cycle it if it does not answer."""
        self._save_log(host, "dmesg", "dmesg")
        try:
            host.run(command("reboot"))
        except HostLost as error:
            log.info("%s", error)
        return self._wait_or_power_cycle(state.boot)

    def _connect_to_any_boot(self) -> tuple[Host, BootState]:
        """Connect to the machine in whichever boot it is; power-cycle it if it does not answer."""
        if self._console is not None:
            self._console.start(self._logs / f"{self.name}.console.log")
        if self._host is not None:
            try:
                return self._host, boot_state(self._host)
            except HostError as error:
                log.info("%s", error)
        return self._wait_or_power_cycle("")

    def _wait_or_power_cycle(self, old_boot: str) -> tuple[Host, BootState]:
        self._disconnect()
        try:
            return self._wait(old_boot, self._limit)
        except HostGone:
            raise
        except HostError as error:
            log.warning("%s; power-cycling it", error)
        try:
            self._power.cycle()
        except HostError as error:
            raise HostError(f"{self.name}: cannot power-cycle: {error}") from error
        # The watchdog reboots the machine after the same limit; then its own kernel has to boot.
        return self._wait(old_boot, self._limit * (2 if self._power.watchdog else 1))

    def _wait(self, old_boot: str, limit: float) -> tuple[Host, BootState]:
        """Connect to another boot than ``old_boot``; ``HostError`` with the last error after ``limit`` seconds."""
        with waiting(self._note, self.name, "waiting for its SSH server", limit):
            return self._poll(old_boot, limit)

    def _poll(self, old_boot: str, limit: float) -> tuple[Host, BootState]:
        deadline = time.monotonic() + limit
        reason = "it has not rebooted"
        while True:
            try:
                host = self._connect()
                try:
                    state = boot_state(host)
                except HostError:
                    host.close()
                    raise
                if state.boot != old_boot:
                    self._host = host
                    return host, state
                host.close()
            except HostGone:
                raise
            except HostError as error:
                reason = str(error).removeprefix(f"{self.name}: ")
            if time.monotonic() > deadline:
                raise HostError(f"{self.name}: boot timed out after {limit:g} s: {reason}")
            time.sleep(POLL_S)

    def _save_log(self, host: Host, name: str, text: str) -> None:
        """Save the output of a shell script as a numbered log of the run; errors are only logged."""
        try:
            output = host.run(script(text, sudo=True, accept=(0, 1))).stdout
        except HostError as error:
            log.info("%s", error)
            return
        if output.strip():
            number = 1 + sum(1 for _ in self._logs.glob(f"{self.name}-*.{name}.log"))
            path = self._logs / f"{self.name}-{number}.{name}.log"
            path.touch(0o600)
            path.write_text(output, encoding="utf-8")

    def _disconnect(self) -> None:
        if self._host is not None:
            self._host.close()
            self._host = None


def _is_own(kernel: Kernel) -> bool:
    return kernel.source in ("default", "running")
