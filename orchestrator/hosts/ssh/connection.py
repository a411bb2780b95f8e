"""An SSH connection, opened by paramiko as ``ssh -G`` says. This is the boundary for paramiko's exceptions."""

from __future__ import annotations

import contextlib
import logging
import os
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import paramiko
from paramiko.ssh_exception import IncompatiblePeer

from orchestrator.errors import HostError
from orchestrator.hosts.ssh.address import SshAddress
from orchestrator.hosts.ssh.configuration import Configuration, refuse_unsupported, resolve
from orchestrator.hosts.ssh.host_keys import HostKeyPolicy
from orchestrator.hosts.ssh.keys import CERTIFICATE, Keyring
from orchestrator.hosts.ssh.route import Proxy, open_socket, run_proxy, tune

KEEPALIVE_S = 15
DEAD_PEER_MS = 60_000
"""TCP_USER_TIMEOUT: a connection ends when data, such as a keep-alive, is not acknowledged for this long."""

# paramiko logs a traceback of each exception that it raises.
logging.getLogger("paramiko").addHandler(logging.NullHandler())

_ALGORITHMS = {
    "ciphers": "ciphers",
    "macs": "macs",
    "kexalgorithms": "kex",
    "pubkeyacceptedalgorithms": "pubkeys",
}
"""Lists of the SSH configuration, and what paramiko calls them."""

_SAME = {"curve25519-sha256@libssh.org": "curve25519-sha256"}


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
    if address in route:
        raise HostError(
            f"{address.host}: jumphost loop via {address.host}; set ProxyJump none for {address.host}"
        )
    limit = configuration.value("connecttimeout")
    time_limit = time_limit if limit == "none" else float(limit)
    below = _open_jump(configuration, time_limit, route)
    proxy: Proxy | None = None
    stack = contextlib.ExitStack()
    if below is not None:
        stack.callback(below.close)
    with stack, _errors(configuration, time_limit):
        stream, peer = None, ""
        if below is not None:
            stream = below.transport.open_channel(
                "direct-tcpip", (configuration.host, configuration.port), ("127.0.0.1", 0), timeout=time_limit
            )
        elif configuration.value("proxycommand") != "none":
            stream, proxy = run_proxy(configuration, time_limit)
            stack.callback(proxy.close)
        else:
            stream = open_socket(configuration, time_limit)
            peer = str(stream.getpeername()[0]).partition("%")[0]
        stack.callback(stream.close)
        with _proxy_errors(proxy):
            transport = _handshake(configuration, stream, peer, time_limit)
            stack.callback(transport.close)
            _log_in(configuration, transport, time_limit)
        tune(stream, DEAD_PEER_MS)
        stack.pop_all()
        return Link(configuration, transport, proxy, below)
    raise AssertionError("unreachable")


def _open_jump(configuration: Configuration, time_limit: float, route: tuple[SshAddress, ...]) -> Link | None:
    """Connect to the jump host, if there is one."""
    jump = configuration.value("proxyjump")
    if jump == "none":
        return None
    hop = configuration.address.hop(jump)
    if hop is None:
        raise HostError(f"{configuration.address.host}: invalid ProxyJump {jump!r}")
    return open_link(hop, time_limit, (*route, configuration.address))


def _handshake(configuration: Configuration, stream: Any, peer: str, time_limit: float) -> paramiko.Transport:
    """Exchange keys and check the host key."""
    transport = _Transport(stream, disabled_algorithms=_disabled(configuration))
    policy = HostKeyPolicy(configuration, peer)
    supported = transport.get_security_options().key_types
    transport.host_key_order = tuple(
        policy.order([*(f"{name}{CERTIFICATE}" for name in supported), *supported])
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


def _disabled(configuration: Configuration) -> Mapping[str, list[str]]:
    """Return the algorithms of paramiko that the configuration does not allow; ``HostError`` if none is left."""
    disabled = {}
    for word, kind in _ALGORITHMS.items():
        wanted = {name.removesuffix(CERTIFICATE) for name in configuration.algorithms(word)}
        supported = getattr(paramiko.Transport, f"_preferred_{kind}")
        unwanted = [name for name in supported if name not in wanted and _SAME.get(name) not in wanted]
        if wanted and len(unwanted) == len(supported) and kind != "pubkeys":
            raise HostError(
                f"SSH configuration: {word}: none is supported of: {', '.join(sorted(wanted))}; "
                f"supported are: {', '.join(supported)}"
            )
        disabled[kind] = unwanted if wanted else []
    return disabled


def _log_in(configuration: Configuration, transport: paramiko.Transport, time_limit: float) -> None:
    """Log in with the keys that the configuration offers; ``HostError`` where the server accepts none."""
    try:
        if not transport.auth_none(configuration.user):
            return
        offered: list[str] = []
    except paramiko.BadAuthenticationType as error:
        offered = list(error.allowed_types)
    methods = configuration.value("preferredauthentications", "publickey").split(",")
    keyring = Keyring(configuration, time_limit)
    tried = 0
    try:
        if configuration.value("pubkeyauthentication") != "false" and "publickey" in methods:
            for identity in keyring.identities():
                if not _server_accepts(transport, identity.public_blob.key_type):
                    continue
                tried += 1
                with contextlib.suppress(paramiko.AuthenticationException):
                    transport.auth_publickey(configuration.user, identity)  # type: ignore[arg-type]
                if transport.is_authenticated():
                    return
                if not transport.is_active():
                    raise HostError(_refused(configuration, offered, keyring, tried))
        raise HostError(_refused(configuration, offered, keyring, 0))
    except paramiko.SSHException:
        if transport.is_active():
            raise
        raise HostError(_refused(configuration, offered, keyring, tried)) from None
    finally:
        keyring.close()


def _server_accepts(transport: paramiko.Transport, key_type: str) -> bool:
    """Whether the server's list of signature algorithms, if it sent one, has one for RSA keys."""
    listed = transport.server_extensions.get("server-sig-algs", b"").decode(errors="replace").split(",")
    return (
        "rsa" not in key_type.split("-")
        or listed == [""]
        or any(name.startswith("rsa-sha2") for name in listed)
    )


def _refused(configuration: Configuration, offered: list[str], keyring: Keyring, tried: int) -> str:
    """Return the message for a server that accepts no key; ``tried``: after how many it closed the connection."""
    user, host, port = configuration.user, configuration.host, configuration.port
    if tried:
        return (
            f"{user}@{host}: Too many authentication failures: the server closed the connection after {tried} keys; "
            "select one with IdentityFile and IdentitiesOnly yes"
        )
    reasons = list(keyring.skipped)
    if configuration.flag("gssapiauthentication") and any("gssapi" in method for method in offered):
        reasons.append("GSSAPIAuthentication is not supported")
    if reasons:
        return f"{user}@{host}: Permission denied ({','.join(offered)}); {'; '.join(reasons)}"
    return f"{user}@{host}: Permission denied ({','.join(offered)}); try: ssh -p {port} {user}@{host} true"


@contextmanager
def _proxy_errors(proxy: Proxy | None) -> Iterator[None]:
    """Replace the error of a connection whose proxy command failed with what the command printed."""
    try:
        yield
    except (paramiko.SSHException, OSError, EOFError) as error:
        if proxy is None or not proxy.last_line:
            raise
        raise HostError(f"ProxyCommand: {proxy.last_line}") from error


@contextmanager
def _errors(configuration: Configuration, time_limit: float) -> Iterator[None]:
    """Turn every exception into a ``HostError`` of one line."""
    try:
        yield
    except HostError:
        raise
    except Exception as error:  # paramiko and its libraries raise what they like
        raise HostError(_message(error, configuration, time_limit)) from error


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
