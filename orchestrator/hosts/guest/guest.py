"""One boot of a guest: started, waited for, reached over SSH, ended."""

from __future__ import annotations

import shutil
import socket
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from orchestrator.environments import Environment
from orchestrator.errors import HostError, KernelError
from orchestrator.hosts.base import Host
from orchestrator.hosts.guest.command_line import DEFAULT_TICKS, Start, qemu_argv
from orchestrator.hosts.guest.icount_boot import IcountBoot
from orchestrator.hosts.guest.initramfs import FAILURE_WORD, UP_WORD, base_archive, find_program, keys_archive
from orchestrator.hosts.guest.keys import make_keys
from orchestrator.hosts.guest.layout import Layout
from orchestrator.hosts.guest.process import SupervisedProcess
from orchestrator.hosts.ssh import SshAddress, connect
from orchestrator.kernels.obtain import KernelFiles

POLL_S = 0.05
CONNECT_LIMIT_S = 30.0
PORT_ATTEMPTS = 5
ENDING_S = 3.0
"""Within this after a refused connection a guest that has crashed is found to be gone."""

CONSOLE_LINES = 12
"""Lines of the console that an error shows: from the first that tells why, else the last."""

_CAUSES = ("Kernel panic", "BUG:", "Oops", FAILURE_WORD)

EMULATOR_DEFECT = "Oops: int3: "
"""In QEMU before 8.1 a breakpoint of the kernel's text patching (jump labels, static calls, ftrace) may stay translated
after it was taken away, and the next CPU that comes by dies of it: a page was not locked while one thread translated it
and another wrote to it. QEMU's commit deba78709ae8 mended that."""

_PORT_TAKEN = "Could not set up host forwarding rule"


@dataclass(frozen=True, slots=True)
class Logs:
    """Where a boot leaves its words: the guest's serial console, and QEMU's own complaints."""

    console: Path
    qemu: Path

    @property
    def tell_of_emulator(self) -> bool:
        """Whether the guest's kernel died of :data:`EMULATOR_DEFECT`, which says nothing of the kernel."""
        return EMULATOR_DEFECT in self.console.read_text(errors="replace")

    def tail(self) -> str:
        """What the console says of the end; QEMU's own words where the guest said nothing."""
        for path in (self.console, self.qemu):
            lines = [line for line in path.read_text(errors="replace").splitlines() if line.strip()]
            if lines:
                first = max(0, len(lines) - CONSOLE_LINES)
                causes = (n for n, line in enumerate(lines) if any(cause in line for cause in _CAUSES))
                first = next(causes, first)
                return "\n".join(f"  {line}" for line in lines[first : first + CONSOLE_LINES])
        return "  (nothing was printed)"


@dataclass(frozen=True, slots=True)
class Boot:
    """One boot to be made: of what, where, and how long it may take (``limit``, seconds until SSH answers)."""

    name: str
    layout: Layout
    environment: Environment
    kernel: KernelFiles
    logs: Logs
    limit: float


class Guest:
    """A started guest. Made by :func:`start_guest`, which returns it once it answers SSH."""

    def __init__(self, boot: Boot, process: SupervisedProcess, address: SshAddress, monitor: Path) -> None:
        self.name = boot.name
        self.logs = boot.logs
        self.address = address
        self._boot = boot
        self._process = process
        self._monitor = monitor

    def connect(self, time_limit: float = CONNECT_LIMIT_S) -> Host:
        """Open a connection; ``HostError`` with the end of the console if the guest is gone."""
        try:
            return connect(self.name, self.address, time_limit)
        except HostError:
            if not self._process.ends_within(ENDING_S):
                raise
        raise HostError(f"{self.name}: the guest has ended{self._last_words()}")

    def wait_until_up(self, deadline: float) -> None:
        """Return as soon as the guest's SSH server answers; ``deadline`` is on the monotonic clock.

        ``KernelError`` if the guest ends before (a panic, a bad image), ``HostError`` if it never answers.
        """
        with IcountBoot(
            self._monitor if self._boot.environment is Environment.VM_ICOUNT else None
        ) as icount_boot:
            while not self._answers():
                if self._process.exit_code is not None:
                    raise KernelError(
                        f"{self.name}: the guest ended before it answered SSH{self._last_words()}"
                    )
                if time.monotonic() > deadline:
                    raise HostError(
                        f"{self.name}: the guest did not answer SSH within {self._boot.limit:g} s (limits.boot)"
                        f"{self._last_words()}"
                    )
                icount_boot.switch_cpu()
                time.sleep(POLL_S)

    def stop(self) -> None:
        """End the guest; may be called twice."""
        self._process.stop()

    def _answers(self) -> bool:
        """Whether the SSH server greets; asked only once the guest has said that it is up, to leave it in peace."""
        if UP_WORD.encode() not in self.logs.console.read_bytes():
            return False
        try:
            with socket.create_connection((self.address.host, self.address.port or 0), 2.0) as probe:
                return probe.recv(4) == b"SSH-"
        except OSError:
            return False

    def _last_words(self) -> str:
        return f"; its last words ({self.logs.console}):\n{self.logs.tail()}"


def start_guest(boot: Boot) -> Guest:
    """Start a guest and return it when it answers SSH; errors as those of :meth:`Guest.wait_until_up`."""
    deadline = time.monotonic() + boot.limit
    base = base_archive(boot.kernel, boot.layout.programs)
    for _ in range(PORT_ATTEMPTS):
        guest = _launch(boot, base)
        try:
            guest.wait_until_up(deadline)
        except BaseException as error:
            guest.stop()
            if isinstance(error, KernelError) and _PORT_TAKEN in boot.logs.qemu.read_text(errors="replace"):
                boot.logs.qemu.write_text("")
                continue
            raise
        return guest
    raise HostError(f"{boot.name}: no free port for the guest's SSH server on 127.0.0.1")


def _launch(boot: Boot, base: bytes) -> Guest:
    qemu = find_program("qemu-system-x86_64", "qemu-system-x86")
    folder = Path(tempfile.mkdtemp(prefix="orchestrate-guest-"))
    try:
        port = _free_port()
        keys, files = make_keys(folder, port)
        initramfs = folder / "initramfs"
        initramfs.write_bytes(base + keys_archive(keys))
        boot.logs.console.touch()
        monitor = folder / "monitor"
        start = Start(
            layout=boot.layout,
            environment=boot.environment,
            image=boot.kernel.image,
            initramfs=initramfs,
            console=boot.logs.console,
            monitor=monitor,
            ssh_port=port,
            kernel_words=boot.kernel.identity.command_line,
            ticks=boot.kernel.ticks or DEFAULT_TICKS,
        )
        process = SupervisedProcess(qemu_argv(qemu, start), folder, boot.logs.qemu)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    address = SshAddress("127.0.0.1", "root", port, files.identity, files.known_hosts)
    return Guest(boot, process, address, monitor)


def _free_port() -> int:
    """A port that the kernel had free just now; should it be taken before QEMU binds it, another is tried."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
