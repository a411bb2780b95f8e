"""One boot of a guest: start it, wait for SSH, connect, stop it."""

from __future__ import annotations

import os
import shutil
import socket
import tempfile
import time
from pathlib import Path

from msgspec import Struct

from orchestrator.environments import Environment
from orchestrator.errors import HostError, KernelError
from orchestrator.hosts.base import Host
from orchestrator.hosts.guest.command_line import DEFAULT_HZ, Start, qemu_argv
from orchestrator.hosts.guest.icount_boot import IcountBoot
from orchestrator.hosts.guest.initramfs import (
    FAILURE_PREFIX,
    UP_MESSAGE,
    base_archive,
    keys_archive,
)
from orchestrator.hosts.guest.keys import make_keys
from orchestrator.hosts.guest.layout import Layout
from orchestrator.hosts.guest.platforms import platform_of
from orchestrator.hosts.guest.process import SupervisedProcess
from orchestrator.hosts.ssh import SshAddress, connect
from orchestrator.kernels.obtain import KernelFiles
from orchestrator.terminal import without_escapes

POLL_S = 0.05
CONNECT_LIMIT_S = 30.0
PORT_ATTEMPTS = 5
EXIT_WAIT_S = 3.0
"""How long to wait for the exit of a crashed guest after a failed connection."""

CONSOLE_LINES = 12
"""Number of console lines in an error message: from the first with a cause, else the last lines."""

_CAUSES = ("Kernel panic", "BUG:", "Oops", FAILURE_PREFIX)

QEMU_DEFECT = "Oops: int3: "
"""Console message of a race in QEMU before 8.1: one thread translates a page while another one writes to it. A
removed breakpoint of the kernel's text patching (jump labels, static calls, ftrace) stays translated, and a CPU that
executes it oopses. Fixed by QEMU's commit deba78709ae8."""

_PATIENT = ("-o", "ServerAliveCountMax=40")
"""An emulated guest may be busy in its kernel for minutes; if it dies, so does the process that it is."""

_MONITOR = "monitor"
_LONGEST_SOCKET = 107
"""Bytes of the name of a UNIX socket (unix(7))."""

_PORT_IN_USE = "Could not set up host forwarding rule"


class Logs(Struct, frozen=True):
    """Log files of a boot: the serial console, and the stderr of QEMU."""

    console: Path
    qemu: Path

    @property
    def show_qemu_defect(self) -> bool:
        """Whether the console shows :data:`QEMU_DEFECT`, which is not an error of the kernel."""
        return QEMU_DEFECT in self.console.read_text(errors="replace")

    @property
    def is_silent(self) -> bool:
        """Whether the guest has printed nothing: neither its firmware nor its kernel began."""
        return not self.console.exists() or self.console.stat().st_size == 0

    def tail(self) -> list[str]:
        """Return the last lines of the console, or those of QEMU's log if the console is empty."""
        for path in (self.console, self.qemu):
            text = without_escapes(path.read_text(errors="replace"))
            lines = [line for line in text.splitlines() if line.strip()]
            if lines:
                first = max(0, len(lines) - CONSOLE_LINES)
                causes = (n for n, line in enumerate(lines) if any(cause in line for cause in _CAUSES))
                first = next(causes, first)
                return lines[first : first + CONSOLE_LINES]
        return ["(no output)"]


class Boot(Struct, frozen=True):
    """Options of one boot.

    :ivar limit: seconds until the SSH server must answer.
    :ivar options: additional options of QEMU.
    """

    name: str
    layout: Layout
    environment: Environment
    kernel: KernelFiles
    logs: Logs
    limit: float
    options: tuple[str, ...] = ()


class Guest:
    """A running guest. :func:`start_guest` returns it when its SSH server answers."""

    def __init__(self, boot: Boot, process: SupervisedProcess, address: SshAddress, monitor: Path) -> None:
        self.name = boot.name
        self.logs = boot.logs
        self.address = address
        self._boot = boot
        self._process = process
        self._monitor = monitor

    def connect(self, time_limit: float = CONNECT_LIMIT_S) -> Host:
        """Open a connection; ``HostError`` with the last console lines if the guest has exited."""
        try:
            return connect(self.name, self.address, time_limit)
        except HostError:
            if not self._process.exits_within(EXIT_WAIT_S):
                raise
        raise HostError(*self._with_console(f"{self.name}: the guest has exited"))

    def wait_until_up(self, deadline: float) -> None:
        """Wait until the guest's SSH server answers; ``deadline`` is on the monotonic clock.

        ``KernelError`` if the guest exits (a panic, an invalid image), ``HostError`` at the deadline, or if QEMU ends
        before the guest has printed anything.
        """
        with IcountBoot(
            self._monitor if self._boot.environment is Environment.VM_ICOUNT else None
        ) as icount_boot:
            while not self._ssh_answers():
                if self._process.exit_code is not None:
                    if self.logs.is_silent:
                        raise HostError(f"{self.name}: QEMU failed: {self.logs.tail()[-1]}")
                    raise KernelError(*self._with_console(f"{self.name}: the guest exited during boot"))
                if time.monotonic() > deadline:
                    reason = f"boot timed out after {self._boot.limit:g} s (limits.boot): no answer from SSH"
                    raise HostError(*self._with_console(f"{self.name}: {reason}"))
                icount_boot.switch_cpu()
                time.sleep(POLL_S)

    def stop(self) -> None:
        """Stop the guest; may be called twice."""
        self._process.stop()

    def _ssh_answers(self) -> bool:
        """Whether the SSH server sends its banner. Connects only after the guest has printed that it is up."""
        if UP_MESSAGE.encode() not in self.logs.console.read_bytes():
            return False
        try:
            with socket.create_connection((self.address.host, self.address.port or 0), 2.0) as probe:
                return probe.recv(4) == b"SSH-"
        except OSError:
            return False

    def _with_console(self, message: str) -> list[str]:
        return [f"{message}; last lines of {self.logs.console}:", *(f"  {line}" for line in self.logs.tail())]


def start_guest(boot: Boot) -> Guest:
    """Start a guest and wait for SSH; raises as :meth:`Guest.wait_until_up`."""
    deadline = time.monotonic() + boot.limit
    base = base_archive(boot.kernel, boot.layout.programs, boot.layout.architecture)
    for _ in range(PORT_ATTEMPTS):
        guest = _launch(boot, base)
        try:
            guest.wait_until_up(deadline)
        except BaseException as error:
            guest.stop()
            if isinstance(error, HostError) and _PORT_IN_USE in boot.logs.qemu.read_text(errors="replace"):
                boot.logs.qemu.write_text("")
                continue
            raise
        return guest
    raise HostError(f"{boot.name}: no free port on 127.0.0.1 for the guest's SSH server")


def _temporary_folder() -> Path:
    """Create the directory of a guest in that for temporary files; in /tmp where the name of a socket is too long."""
    name = Path(tempfile.gettempdir(), "orchestrate-guest-12345678", _MONITOR)
    place = None if len(os.fsencode(name)) <= _LONGEST_SOCKET else "/tmp"  # nosec B108 # mkdtemp makes it private
    return Path(tempfile.mkdtemp(prefix="orchestrate-guest-", dir=place))


def _launch(boot: Boot, base: bytes) -> Guest:
    qemu = platform_of(boot.layout.architecture).find_qemu()
    folder = _temporary_folder()
    try:
        port = _free_port()
        keys, files = make_keys(folder, port)
        initramfs = folder / "initramfs"
        initramfs.write_bytes(base + keys_archive(keys))
        boot.logs.console.touch()
        monitor = folder / _MONITOR
        start = Start(
            layout=boot.layout,
            environment=boot.environment,
            image=boot.kernel.image,
            initramfs=initramfs,
            console=boot.logs.console,
            monitor=monitor,
            ssh_port=port,
            kernel_parameters=boot.kernel.identity.command_line,
            hz=boot.kernel.ticks or DEFAULT_HZ,
            options=boot.options,
        )
        process = SupervisedProcess(qemu_argv(qemu, start), folder, boot.logs.qemu)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    address = SshAddress("127.0.0.1", "root", port, files.identity, files.known_hosts, options=_PATIENT)
    return Guest(boot, process, address, monitor)


def _free_port() -> int:
    """Return a free port. If another process binds it before QEMU does, the start is tried again."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
