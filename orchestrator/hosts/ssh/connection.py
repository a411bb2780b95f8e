"""An SSH connection, opened by paramiko as ``ssh -G`` says. This is the boundary for paramiko's exceptions."""

from __future__ import annotations

import contextlib
import logging
import os
import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import paramiko
from paramiko.ssh_exception import IncompatiblePeer

from orchestrator.errors import HostError
from orchestrator.hosts.ssh.address import SshAddress
from orchestrator.hosts.ssh.configuration import Configuration, refuse_unsupported, resolve
from orchestrator.hosts.ssh.host_keys import HostKeyPolicy
from orchestrator.hosts.ssh.login import log_in
from orchestrator.hosts.ssh.public_keys import CERTIFICATE
from orchestrator.hosts.ssh.route import Proxy, open_socket, run_proxy, tune

KEEPALIVE_S = 15
DEAD_PEER_MS = 60_000
"""TCP_USER_TIMEOUT: a connection ends when data, such as a keep-alive, is not acknowledged for this long."""

# paramiko logs a traceback of each exception that it raises.
logging.getLogger("paramiko").addHandler(logging.NullHandler())

_LISTS = {"Ciphers": "ciphers", "MACs": "digests", "KexAlgorithms": "kex"}
"""Lists of the SSH configuration, and what paramiko's ``SecurityOptions`` calls them."""

_ALIASES = {"curve25519-sha256": "curve25519-sha256@libssh.org"}


class _Transport(paramiko.Transport):
    """Offers host key algorithms, certificates among them, in an order that is given."""

    host_key_order: tuple[str, ...] = ()

    @property
    def preferred_keys(self) -> tuple[str, ...]:
        return self.host_key_order


@dataclass(slots=True)
class Link:
    """An authenticated connection, the proxy command that it goes through, and the jump host below it."""

    configuration: Configuration
    transport: paramiko.Transport
    proxy: Proxy | None = None
    below: Link | None = None

    def close(self) -> None:
        """Close it and those below; may be called twice."""
        self.transport.close()
        if self.proxy is not None:
            self.proxy.close()
            self.proxy = None
        if self.below is not None:
            self.below.close()


def open_link(address: SshAddress, time_limit: float, route: tuple[SshAddress, ...] = ()) -> Link:
    """Connect and log in, within about ``time_limit`` seconds for each host of the way.

    :param route: the hosts for which this one is a jump host.

    Raises ``HostError`` with one line, whatever paramiko raises.
    """
    configuration = resolve(address)
    if not route:
        refuse_unsupported(configuration)
    limit = configuration.value("connecttimeout")
    time_limit = time_limit if limit == "none" else float(limit)
    cleanup = contextlib.ExitStack()
    try:
        return _open(configuration, time_limit, route, cleanup)
    except BaseException as error:
        cleanup.close()
        if isinstance(error, HostError) or not isinstance(error, Exception):
            raise
        raise HostError(_message(error, configuration, time_limit)) from error


def _open(
    configuration: Configuration,
    time_limit: float,
    route: tuple[SshAddress, ...],
    cleanup: contextlib.ExitStack,
) -> Link:
    """Connect and log in; ``cleanup`` closes what was opened."""
    below = _open_jump(configuration, time_limit, route)
    proxy: Proxy | None = None
    stream: Any
    peer = ""
    if below is not None:
        cleanup.callback(below.close)
        destination = (configuration.host, configuration.port)
        stream = below.transport.open_channel(
            "direct-tcpip", destination, ("127.0.0.1", 0), timeout=time_limit
        )
    elif configuration.value("proxycommand") != "none":
        stream, proxy = run_proxy(configuration, time_limit)
        cleanup.callback(proxy.close)
    else:
        stream = open_socket(configuration, time_limit)
        peer = str(stream.getpeername()[0]).partition("%")[0]
    cleanup.callback(stream.close)
    with _proxy_errors(proxy):
        transport = _handshake(configuration, stream, peer, time_limit)
        cleanup.callback(transport.close)
        log_in(configuration, transport, time_limit)
    tune(stream, DEAD_PEER_MS)
    return Link(configuration, transport, proxy, below)


def _open_jump(configuration: Configuration, time_limit: float, route: tuple[SshAddress, ...]) -> Link | None:
    """Connect to the jump host, if there is one."""
    jump = configuration.value("proxyjump")
    if jump == "none":
        return None
    hop = configuration.address.hop(jump)
    if hop is None:
        raise HostError(f"invalid ProxyJump {jump!r}")
    route = (*route, configuration.address)
    if hop in route:
        raise HostError(f"jumphost loop via {hop.host}; set ProxyJump none for {hop.host}")
    try:
        return open_link(hop, time_limit, route)
    except HostError as error:
        raise HostError(f"jump host {hop.host}: {str(error).removeprefix(f'{hop.host}: ')}") from error


def _handshake(configuration: Configuration, stream: Any, peer: str, time_limit: float) -> paramiko.Transport:
    """Exchange keys and check the host key."""
    accepted = configuration.algorithms("pubkeyacceptedalgorithms")
    unwanted = [name for name in ("rsa-sha2-512", "rsa-sha2-256") if name not in accepted]
    transport = _Transport(stream, disabled_algorithms={"pubkeys": unwanted})
    options = transport.get_security_options()
    policy = HostKeyPolicy(configuration, peer)
    supported = options.key_types
    transport.host_key_order = tuple(
        policy.order([*supported, *(f"{name}{CERTIFICATE}" for name in supported)])
    )
    for word, kind in _LISTS.items():
        setattr(
            options, kind, _supported(word, configuration.algorithms(word.lower()), getattr(options, kind))
        )
    transport.use_compression(configuration.flag("compression"))
    transport.banner_timeout = transport.handshake_timeout = transport.auth_timeout = time_limit
    try:
        transport.start_client(timeout=time_limit)
        if not transport.initial_kex_done:
            raise TimeoutError
        policy.check(transport.get_remote_server_key())
    except BaseException:
        transport.close()
        raise
    transport.set_keepalive(int(configuration.value("serveraliveinterval", "0")) or KEEPALIVE_S)
    return transport


def _supported(word: str, wanted: list[str], supported: Sequence[str]) -> list[str]:
    """Return the algorithms of ``wanted`` that paramiko supports, in order; ``HostError`` if there is none."""
    names = dict.fromkeys(_ALIASES.get(name, name) for name in wanted)
    found = [name for name in names if name in supported]
    if not found:
        raise HostError(
            f"SSH configuration: {word} {','.join(wanted)}: not supported; supported are: {','.join(supported)}"
        )
    return found


@contextmanager
def _proxy_errors(proxy: Proxy | None) -> Iterator[None]:
    """Replace the error of a connection whose proxy command failed with what the command printed."""
    try:
        yield
    except (paramiko.SSHException, OSError, EOFError) as error:
        if proxy is None or not proxy.last_line:
            raise
        raise HostError(f"ProxyCommand: {proxy.last_line}") from error


def _message(error: Exception, configuration: Configuration, time_limit: float) -> str:
    """Return OpenSSH's message for an exception."""
    host, port = configuration.host, configuration.port
    start = f"connect to host {host} port {port}"
    if isinstance(error, socket.gaierror):
        return f"Could not resolve hostname {host}: {error.strerror}"
    if isinstance(error, TimeoutError):
        return f"{start}: Connection timed out after {time_limit:g} s"
    if isinstance(error, IncompatiblePeer):
        return f"Unable to negotiate with {host} port {port}: {error}"
    if isinstance(error, paramiko.ChannelException):
        return f"{start}: the jump host could not connect: {error.text}"
    if isinstance(error, OSError) and error.errno:
        return f"{start}: {os.strerror(error.errno)}"
    return f"{start}: {error or type(error).__name__}"
