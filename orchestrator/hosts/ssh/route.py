"""How bytes get to an SSH server: TCP, a proxy command, or a channel through a jump host."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import tempfile
import time
from typing import IO, Any

from msgspec import Struct

from orchestrator import process_groups
from orchestrator.errors import HostError
from orchestrator.hosts.ssh.configuration import Configuration

_FAMILIES = {"any": socket.AF_UNSPEC, "inet": socket.AF_INET, "inet6": socket.AF_INET6}
STOP_LIMIT_S = 2.0


class Proxy(Struct):
    """A running ``ProxyCommand`` and what it prints to stderr."""

    process: subprocess.Popen[bytes]
    errors: IO[bytes]

    @property
    def last_line(self) -> str:
        """The last line on stderr; empty if there is none."""
        self.errors.seek(0)
        lines = self.errors.read().decode(errors="replace").split("\n")
        return next((line.strip() for line in reversed(lines) if line.strip()), "")

    def close(self) -> None:
        """Stop the command, and what it has started."""
        process_groups.end(self.process, STOP_LIMIT_S)
        self.errors.close()


def open_socket(configuration: Configuration, time_limit: float) -> socket.socket:
    """Connect by TCP within ``time_limit`` seconds, as the configuration says. ``OSError`` on failure."""
    deadline = time.monotonic() + time_limit
    family = _FAMILIES[configuration.value("addressfamily", "any")]
    attempts = int(configuration.value("connectionattempts", "1"))
    error: OSError = TimeoutError()
    for attempt in range(attempts):
        if attempt:
            time.sleep(1)
        for *kind, _, address in socket.getaddrinfo(
            configuration.host, configuration.port, family, socket.SOCK_STREAM
        ):
            link = socket.socket(*kind)
            try:
                link.settimeout(max(0.001, deadline - time.monotonic()))
                _bind(link, configuration)
                link.connect(address)
            except OSError as failure:
                error = failure
                link.close()
            else:
                return link
    raise error


def _bind(link: socket.socket, configuration: Configuration) -> None:
    interface = configuration.value("bindinterface")
    if interface != "none":
        link.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, interface.encode())
    source = configuration.value("bindaddress")
    if source != "none":
        *_, address = socket.getaddrinfo(source, None, link.family, socket.SOCK_STREAM)[0]
        link.bind(address)


def run_proxy(configuration: Configuration, time_limit: float) -> tuple[socket.socket, Proxy]:
    """Start the ``ProxyCommand``, as OpenSSH does in the user's shell, and return the socket that leads through it."""
    command = configuration.expand(configuration.value("proxycommand"), variables=False)
    ours, theirs = socket.socketpair()
    errors = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the proxy
    shell = os.environ.get("SHELL") or "/bin/sh"
    try:
        process = process_groups.begin(
            (shell, "-c", f"exec {command}"),
            stdin=theirs.fileno(),
            stdout=theirs.fileno(),
            stderr=errors,
        )
    except OSError as error:
        ours.close()
        errors.close()
        raise HostError(f"ProxyCommand {command}: {error.strerror}") from error
    finally:
        theirs.close()
    proxy = Proxy(process, errors)
    if not configuration.flag("proxyusefdpass"):
        return ours, proxy
    try:
        return _passed_socket(ours, time_limit), proxy
    except OSError as error:
        process.wait()
        reason = proxy.last_line or str(error) or "no descriptor was passed"
        proxy.close()
        raise HostError(f"ProxyCommand {command}: {reason}") from error
    finally:
        ours.close()


def _passed_socket(ours: socket.socket, time_limit: float) -> socket.socket:
    """``ProxyUseFdpass``: the command connects, and passes the connected socket."""
    ours.settimeout(time_limit)
    _, descriptors, _, _ = socket.recv_fds(ours, 1, 1)
    if not descriptors:
        raise OSError
    return socket.socket(fileno=descriptors[0])


def tune(link: Any, dead_peer_ms: int) -> None:
    """Send small packets at once, and notice a peer that is gone; no effect on anything but TCP."""
    if isinstance(link, socket.socket):
        with contextlib.suppress(OSError):
            link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            link.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, dead_peer_ms)
