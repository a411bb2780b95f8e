"""A machine reached by SSH that is booted for each block: a kernel once, then back to its own."""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

from orchestrator.environments import Environment
from orchestrator.errors import HostError, HostLost, KernelError
from orchestrator.experiment.model import Kernel
from orchestrator.hosts import facts as host_facts
from orchestrator.hosts.base import Clock, Host, Machine
from orchestrator.hosts.command import script
from orchestrator.hosts.machine.console import Console
from orchestrator.hosts.machine.state import MARK, State, command, install, look, mark_of
from orchestrator.hosts.power import Power
from orchestrator.kernels.obtain import obtain
from orchestrator.kernels.proof import Identity

log = logging.getLogger(__name__)

PAUSE_S = 2.0
RETURN_LIMIT_S = 30.0
"""So long a machine is given to be reached again before it is taken to be down."""

FAILED_BOOTS = 2
"""A kernel that did not come up so often is not tried again."""

_PSTORE = 'for f in /sys/fs/pstore/* /var/lib/systemd/pstore/*/*; do [ ! -f "$f" ] || { echo "== $f"; cat "$f"; }; done'


class BootingMachine(Machine):
    """Boots by what the machine has: the default entry of its boot loader stays its own kernel throughout.

    :param connect: opens a connection; ``power``: presses the button where all else is in vain.
    :param variables: what the inventory says of it; ``groups``: those that it is in.
    :param boot_limit: seconds within which a boot must answer, and again after the button.
    """

    clock: Clock = "wall"
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
    ) -> None:
        self.name = name
        self.variables = variables
        self.groups = groups
        self._connect = connect
        self._power = power
        self._console = console
        self._logs = log_folder
        self._limit = boot_limit
        self._host: Host | None = None
        self._boot_id = ""
        self._mark = ""
        self._lost = True  # as far as we know, until a boot is ours
        self._installed = ""
        self._own: Identity | None = None
        self._failures: Counter[str] = Counter()
        self._changed = False

    def identity(self, kernel: Kernel) -> Identity:
        """See :meth:`Machine.identity`; the machine's own kernel is the one that was found on it."""
        if not _is_own(kernel):
            files = obtain(kernel)
            words = (*files.identity.command_line, f"{MARK}={mark_of(files)}")
            return replace(files.identity, command_line=words)
        if self._own is None:
            host, state = self._find()
            if state.mark:  # an earlier controller was killed; its kernel still runs
                host, state = self._go_home(host, state)
            facts = host_facts.gather(host)
            self._own = Identity(release=facts.release, build_id=facts.build_id)
        return self._own

    def boot(self, kernel: Kernel) -> Host:
        """Boot ``kernel`` and return the host; where it does not come up, the host under its own kernel.

        A boot that is still that of this block (the connection was lost, or an earlier controller was) is returned to.
        """
        wanted = "" if _is_own(kernel) else mark_of(obtain(kernel))
        host, state = self._find()
        if self._lost and state.mark == wanted and (self._boot_id == state.boot or self._may_adopt(state)):
            return self._is_at(host, state)
        self._changed = True
        if state.mark:
            host, state = self._go_home(host, state)
            if not wanted:
                return self._is_at(host, state)
        if wanted and self._failures[wanted] >= FAILED_BOOTS:
            return self._is_at(host, state)
        if wanted:
            self._prepare(host, state, kernel, wanted)
        host, state = self._reboot(host, state)
        if state.mark != wanted:
            self._failures[wanted] += 1
            log.warning("%s: kernel %r did not come up; its own is back", self.name, kernel.name)
            self._keep(host, "pstore", _PSTORE)
        return self._is_at(host, state)

    def reconnect(self) -> Host:
        """Connect again to the boot that is ours; ``HostError`` if the machine was booted meanwhile."""
        self._disconnect()
        host, state = self._wait("", RETURN_LIMIT_S)
        if self._boot_id and state.boot != self._boot_id:
            self._lost = True
            raise HostError(f"{self.name}: was booted meanwhile")
        self._host = host
        return host

    def restore_kernel(self) -> Host | None:
        """See :meth:`Machine.restore_kernel`; logs a warning on failure."""
        if not self._changed:
            return None
        self._changed = False
        try:
            host, state = self._find()
            if state.mark:
                host, state = self._go_home(host, state)
            host.run(command("forget"))
        except HostError as error:
            log.warning("%s: not brought back to its own kernel: %s", self.name, error)
            return None
        return host

    def close(self) -> None:
        """Leave the machine, and end its console."""
        self.restore_kernel()
        self._disconnect()
        if self._console is not None:
            self._console.close()

    def _may_adopt(self, state: State) -> bool:
        return not self._boot_id and state.used

    def _is_at(self, host: Host, state: State) -> Host:
        self._host, self._boot_id, self._mark, self._lost = host, state.boot, state.mark, False
        return host

    def _prepare(self, host: Host, state: State, kernel: Kernel, wanted: str) -> None:
        if state.fault:
            raise KernelError(f"{self.name}: {state.fault}")
        if self._installed != wanted:
            install(host, obtain(kernel), self._limit if self._power.watchdog else 0)
            self._installed = wanted
        host.run(command("once"))

    def _go_home(self, host: Host, state: State) -> tuple[Host, State]:
        """Boot the machine's own kernel."""
        host, state = self._reboot(host, state)
        if state.mark:
            raise HostError(
                f"{self.name}: its default entry is a kernel of ours; its GRUB does not boot once"
            )
        return host, state

    def _reboot(self, host: Host, state: State) -> tuple[Host, State]:
        """Boot the machine and wait for it; press the button if it does not come."""
        self._keep(host, "dmesg", "dmesg")
        try:
            host.run(command("reboot"))
        except HostLost as error:
            log.info("%s", error)
        return self._wait_or_press(state.boot)

    def _find(self) -> tuple[Host, State]:
        """The machine, whichever boot it is in; it may have to be brought back."""
        if self._console is not None:
            self._console.start(self._logs / f"{self.name}.console.log")
        if self._host is not None:
            try:
                return self._host, look(self._host)
            except HostError as error:
                log.info("%s", error)
        return self._wait_or_press("")

    def _wait_or_press(self, old_boot: str) -> tuple[Host, State]:
        self._disconnect()
        try:
            return self._wait(old_boot, self._limit)
        except HostError as error:
            log.warning("%s; pressing its power button", error)
        try:
            self._power.cycle()
        except HostError as error:
            raise HostError(f"{self.name}: cannot press its power button: {error}") from error
        # A kernel that is not found boots the machine so long after its start; then its own has to come.
        return self._wait(old_boot, self._limit * (2 if self._power.watchdog else 1))

    def _wait(self, old_boot: str, limit: float) -> tuple[Host, State]:
        """Connect to another boot than ``old_boot``; ``HostError`` tells why there was none within the limit."""
        deadline = time.monotonic() + limit
        why = "it goes on under the boot that was to end"
        while True:
            try:
                host = self._connect()
                try:
                    state = look(host)
                except HostError:
                    host.close()
                    raise
                if state.boot != old_boot:
                    self._host = host
                    return host, state
                host.close()
            except HostError as error:
                why = str(error).removeprefix(f"{self.name}: ")
            if time.monotonic() > deadline:
                raise HostError(f"{self.name}: does not come back within {limit:g} s: {why}")
            time.sleep(PAUSE_S)

    def _keep(self, host: Host, what: str, text: str) -> None:
        """Keep what a command prints as a log of the run, numbered; a host that cannot tell is no fault."""
        try:
            told = host.run(script(text, sudo=True, accept=(0, 1))).stdout
        except HostError as error:
            log.info("%s", error)
            return
        if told.strip():
            number = 1 + sum(1 for _ in self._logs.glob(f"{self.name}-*.{what}.log"))
            (self._logs / f"{self.name}-{number}.{what}.log").write_text(told, encoding="utf-8")

    def _disconnect(self) -> None:
        if self._host is not None:
            self._host.close()
            self._host = None


def _is_own(kernel: Kernel) -> bool:
    return kernel.source in ("default", "running")
