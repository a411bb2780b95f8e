"""One boot of a guest: started, waited for, reached over SSH, ended."""

from __future__ import annotations

import socket
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from orchestrator.errors import HostError, KernelError
from orchestrator.hosts.base import Environment, Host
from orchestrator.hosts.guest.command_line import Start, qemu_argv
from orchestrator.hosts.guest.initramfs import base_archive, find_program, keys_archive
from orchestrator.hosts.guest.kernel_image import KernelFiles
from orchestrator.hosts.guest.keys import KeyFiles, make_keys
from orchestrator.hosts.guest.layout import Layout
from orchestrator.hosts.guest.process import GuardedProcess
from orchestrator.hosts.ssh import SshAddress, connect

POLL_S = 0.05
CONNECT_LIMIT_S = 30.0
PORT_ATTEMPTS = 5
CONSOLE_TAIL = 12
"""Lines of the console that an error shows."""

_PORT_TAKEN = "Could not set up host forwarding rule"


@dataclass(frozen=True, slots=True)
class Logs:
    """Where a boot leaves its words: the guest's serial console, and QEMU's own complaints."""

    console: Path
    qemu: Path

    def tail(self) -> str:
        """The last lines of the console; of QEMU where the guest said nothing."""
        for path in (self.console, self.qemu):
            lines = [line for line in path.read_text(errors="replace").splitlines() if line.strip()]
            if lines:
                return "\n".join(f"  {line}" for line in lines[-CONSOLE_TAIL:])
        return "  (nothing was printed)"


class Guest:
    """A running guest that answers SSH. Made by :func:`start_guest`."""

    def __init__(self, name: str, process: GuardedProcess, address: SshAddress, logs: Logs) -> None:
        self.name = name
        self._process = process
        self.address = address
        self.logs = logs

    def connect(self, time_limit: float = CONNECT_LIMIT_S) -> Host:
        """Open a connection; ``HostError`` with the end of the console if the guest is gone."""
        if self._process.exit_code is not None:
            raise HostError(
                f"{self.name}: the guest has ended; its last words ({self.logs.console}):\n{self.logs.tail()}"
            )
        return connect(self.name, self.address, time_limit)

    def wait_until_up(self, deadline: float) -> None:
        """Return as soon as the guest's SSH server answers; ``deadline`` is on the monotonic clock.

        ``KernelError`` if the guest ends before (a panic, a bad image), ``HostError`` if it never answers.
        """
        while not self._answers():
            if self._process.exit_code is not None:
                raise KernelError(
                    f"{self.name}: the guest ended before it answered; its last words "
                    f"({self.logs.console}):\n{self.logs.tail()}"
                )
            if time.monotonic() > deadline:
                raise HostError(
                    f"{self.name}: the guest did not answer SSH in time (limits.boot); "
                    f"the end of its console ({self.logs.console}):\n{self.logs.tail()}"
                )
            time.sleep(POLL_S)

    def _answers(self) -> bool:
        """Whether the SSH server greets; asked only once the guest has said that it is up, to leave it in peace."""
        if b"orchestrate: guest is up" not in self.logs.console.read_bytes():
            return False
        assert self.address.port
        try:
            with socket.create_connection(("127.0.0.1", self.address.port), 2.0) as probe:
                return probe.recv(4) == b"SSH-"
        except OSError:
            return False

    def stop(self) -> None:
        """End the guest; may be called twice."""
        self._process.stop()


def start_guest(
    name: str, layout: Layout, environment: Environment, kernel: KernelFiles, logs: Logs, time_limit: float
) -> Guest:
    """Boot a guest and return it when it answers SSH; errors as those of :meth:`Guest.wait_until_up`."""
    deadline = time.monotonic() + time_limit
    base = base_archive(kernel, layout.programs)
    for _ in range(PORT_ATTEMPTS):
        guest = _launch(name, layout, environment, kernel, logs, base)
        try:
            guest.wait_until_up(deadline)
        except KernelError:
            guest.stop()
            if _PORT_TAKEN in logs.qemu.read_text(errors="replace"):
                logs.qemu.write_text("")
                continue
            raise
        except BaseException:
            guest.stop()
            raise
        return guest
    raise HostError(f"{name}: no free port for the guest's SSH server on 127.0.0.1")


def _launch(
    name: str, layout: Layout, environment: Environment, kernel: KernelFiles, logs: Logs, base: bytes
) -> Guest:
    folder = Path(tempfile.mkdtemp(prefix="orchestrate-guest-"))
    port = _free_port()
    keys, files = make_keys(folder, port)
    initramfs = folder / "initramfs"
    with initramfs.open("wb") as archive:
        archive.write(base)
        archive.write(keys_archive(keys))
    logs.console.touch()
    start = Start(layout, environment, kernel.image, initramfs, logs.console, port)
    process = GuardedProcess(
        qemu_argv(find_program("qemu-system-x86_64", "qemu-system-x86"), start), folder, logs.qemu
    )
    return Guest(name, process, _address(port, files), logs)


def _free_port() -> int:
    """A port that the kernel had free just now; should it be taken before QEMU binds it, another is tried."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _address(port: int, files: KeyFiles) -> SshAddress:
    return SshAddress(
        "127.0.0.1", user="root", port=port, identity_file=files.identity, known_hosts_file=files.known_hosts
    )
