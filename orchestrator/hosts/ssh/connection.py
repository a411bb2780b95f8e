"""An SSH connection, opened by Fabric as ``ssh -G`` says. This is the boundary for the exceptions of paramiko."""

from __future__ import annotations

import contextlib
import logging
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import paramiko
from fabric import Config, Connection
from msgspec import Struct
from paramiko.ssh_exception import IncompatiblePeer

from orchestrator.errors import HostError
from orchestrator.hosts.ssh.address import SshAddress
from orchestrator.hosts.ssh.configuration import Configuration, refuse_unsupported, resolve
from orchestrator.hosts.ssh.host_keys import HostKeyPolicy
from orchestrator.hosts.ssh.login import log_in
from orchestrator.hosts.ssh.route import Proxy, open_socket, run_proxy, tune
from orchestrator.hosts.ssh.transport import Transport, open_transport

KEEPALIVE_S = 15
DEAD_PEER_MS = 60_000
"""TCP_USER_TIMEOUT: a connection ends when data, such as a keep-alive, is not acknowledged for this long."""

# paramiko logs a traceback of each exception that it raises.
logging.getLogger("paramiko").addHandler(logging.NullHandler())


class _HostKeys(paramiko.MissingHostKeyPolicy):
    """Hands every host key to a policy: paramiko itself is given no known_hosts file, so that it knows none."""

    def __init__(self, policy: HostKeyPolicy) -> None:
        self._policy = policy

    def missing_host_key(self, client: paramiko.SSHClient, hostname: str, key: paramiko.PKey) -> None:
        """Accept the key, or raise ``HostError``."""
        self._policy.check(key)


class _Login:
    """Logs in with the keys of a configuration; paramiko calls it as its ``AuthStrategy``."""

    def __init__(self, configuration: Configuration, time_limit: float) -> None:
        self._configuration = configuration
        self._time_limit = time_limit

    def authenticate(self, transport: Transport) -> None:
        """Log in; ``HostError`` where the server accepts no key."""
        log_in(self._configuration, transport, self._time_limit)


class _Limits(Struct, frozen=True):
    """Seconds until a connection is given up: up to the exchange of keys, and for each step of the login."""

    connect_s: float
    login_s: float

    @classmethod
    def of(cls, configuration: Configuration, time_limit: float) -> _Limits:
        """``ConnectTimeout``, which does not limit the login, replaces ``time_limit``; 0 is none."""
        limit = configuration.value("connecttimeout")
        connect = time_limit if limit in ("none", "0") else float(limit)
        return cls(connect, max(time_limit, connect))


class Link(Struct):
    """An authenticated connection, the proxy command that it goes through, and the jump host below it."""

    configuration: Configuration
    connection: Connection
    proxy: Proxy | None = None
    below: Link | None = None

    @property
    def transport(self) -> Transport:
        """Opens channels."""
        transport: Transport = self.connection.transport
        return transport

    def close(self) -> None:
        """Close it and those below; may be called twice."""
        self.connection.client.close()
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
    limits = _Limits.of(configuration, time_limit)
    cleanup = contextlib.ExitStack()
    try:
        return _open(configuration, limits, route, cleanup)
    except BaseException as error:
        cleanup.close()
        if isinstance(error, HostError) or not isinstance(error, Exception):
            raise
        raise HostError(_message(error, configuration, limits.connect_s)) from error


def _open(
    configuration: Configuration,
    limits: _Limits,
    route: tuple[SshAddress, ...],
    cleanup: contextlib.ExitStack,
) -> Link:
    """Connect and log in; ``cleanup`` closes what was opened."""
    below = _open_jump(configuration, limits.login_s, route)
    proxy: Proxy | None = None
    stream: Any
    peer = ""
    if below is not None:
        cleanup.callback(below.close)
        destination = (configuration.host, configuration.port)
        stream = below.transport.open_channel(
            "direct-tcpip", destination, ("127.0.0.1", 0), timeout=limits.connect_s
        )
    elif configuration.value("proxycommand") != "none":
        stream, proxy = run_proxy(configuration, limits.connect_s)
        cleanup.callback(proxy.close)
    else:
        stream = open_socket(configuration, limits.connect_s)
        peer = str(stream.getpeername()[0]).partition("%")[0]
    cleanup.callback(stream.close)
    connection = _connection(configuration, stream, peer, limits)
    cleanup.callback(connection.client.close)
    with _proxy_errors(proxy):
        connection.open()
    interval = int(configuration.value("serveraliveinterval", "0")) or KEEPALIVE_S
    connection.transport.keep_alive(interval, int(configuration.value("serveralivecountmax", "3")))
    tune(stream, DEAD_PEER_MS)
    return Link(configuration, connection, proxy, below)


def _open_jump(configuration: Configuration, time_limit: float, route: tuple[SshAddress, ...]) -> Link | None:
    """Connect to the jump host, if there is one."""
    jump = configuration.value("proxyjump")
    if jump == "none":
        return None
    hop = configuration.address.hop(configuration.expand(jump, variables=False))
    if hop is None:
        raise HostError(f"invalid ProxyJump {jump!r}")
    route = (*route, configuration.address)
    if hop in route:
        raise HostError(f"jumphost loop via {hop.host}; set ProxyJump none for {hop.host}")
    try:
        return open_link(hop, time_limit, route)
    except HostError as error:
        raise HostError(f"jump host {hop.host}: {str(error).removeprefix(f'{hop.host}: ')}") from error


def _connection(configuration: Configuration, stream: Any, peer: str, limits: _Limits) -> Connection:
    """Return a connection over ``stream``, not opened yet. Fabric reads no configuration of SSH itself."""
    policy = HostKeyPolicy(configuration, peer)
    accepted = configuration.algorithms("pubkeyacceptedalgorithms")
    unwanted = [name for name in ("rsa-sha2-512", "rsa-sha2-256") if name not in accepted]
    connection = Connection(
        configuration.host,
        user=configuration.user,
        port=configuration.port,
        config=Config(overrides={"load_ssh_configs": False}),
        connect_kwargs={
            "sock": stream,
            "timeout": limits.connect_s,
            "banner_timeout": limits.connect_s,
            "auth_timeout": limits.login_s,
            "compress": configuration.flag("compression"),
            "disabled_algorithms": {"pubkeys": unwanted},
            "transport_factory": partial(open_transport, configuration, policy, limits.connect_s),
            "auth_strategy": _Login(configuration, limits.login_s),
        },
    )
    connection.client.set_missing_host_key_policy(_HostKeys(policy))
    return connection


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
    if isinstance(error, paramiko.SSHException) and isinstance(error.__context__, OSError | EOFError):
        error = error.__context__  # paramiko's "Error reading SSH protocol banner"
    if isinstance(error, EOFError):
        return f"{start}: Connection closed by remote host"
    if isinstance(error, TimeoutError):
        return f"{start}: Connection timed out after {time_limit:g} s"
    if isinstance(error, IncompatiblePeer):
        return f"Unable to negotiate with {host} port {port}: {error}"
    if isinstance(error, paramiko.ChannelException):
        return f"{start}: the jump host could not connect: {error.text}"
    if isinstance(error, OSError) and error.errno:
        return f"{start}: {os.strerror(error.errno)}"
    return f"{start}: {str(error) or type(error).__name__}"
