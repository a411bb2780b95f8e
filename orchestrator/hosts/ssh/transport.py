"""paramiko's transport, with the algorithms of the SSH configuration and the tolerance of OpenSSH."""

from __future__ import annotations

import contextlib
import re
import threading
import time
import weakref
from collections.abc import Callable, Sequence
from typing import Any

import paramiko
from paramiko.packet import Packetizer
from paramiko.ssh_exception import IncompatiblePeer

from orchestrator.errors import HostError
from orchestrator.hosts.ssh.agent import Binding
from orchestrator.hosts.ssh.configuration import Configuration
from orchestrator.hosts.ssh.host_keys import HostKeyPolicy
from orchestrator.hosts.ssh.public_keys import CERTIFICATE

_LISTS = {"Ciphers": "ciphers", "MACs": "digests", "KexAlgorithms": "kex"}
"""Lists of the SSH configuration, and what paramiko's ``SecurityOptions`` calls them."""

_ALIASES = {"curve25519-sha256": "curve25519-sha256@libssh.org"}
_UNACCEPTABLE = re.compile(r"no acceptable (kex algorithm|host key|ciphers|macs)")
_NAMES = {
    "kex algorithm": ("key exchange method", "KexAlgorithms"),
    "host key": ("host key type", "HostKeyAlgorithms"),
    "ciphers": ("cipher", "Ciphers"),
    "macs": ("MAC", "MACs"),
}
"""What paramiko calls a list that has nothing in common with the server's: OpenSSH's name, and its keyword."""


_open: weakref.WeakSet[Transport] = weakref.WeakSet()
"""All that were opened and are not garbage yet."""
_lock = threading.Lock()
"""Of :data:`_open`: hosts of a fleet are connected by many threads."""


class _Packetizer(Packetizer):
    """Reads lines that a server or a gateway sends before its version: in any encoding, and each may take a while.

    Ends the connection to a server that has fallen silent, see :meth:`keep_alive`.
    """

    limit_s = 0.0

    def __init__(self, socket: Any) -> None:
        super().__init__(socket)
        self.heard = time.monotonic()
        self._unanswered = 0
        self._senders: set[int] = set()

    def keep_alive(self, interval: int, most: int, ask: Callable[[], None]) -> None:
        """Ask the server for a sign of life after each ``interval`` seconds in which nothing was sent.

        paramiko's own question wants no answer. If so many in a row have none, nor anything else came, the connection
        ends, as with ``ServerAliveCountMax`` of OpenSSH: TCP alone does not notice a server that is stopped, or a
        gateway that swallows what it takes.
        """

        def ask_or_end() -> None:
            self._unanswered += 1
            if self._unanswered > most:
                raise paramiko.SSHException("Timeout, server not responding")
            ask()

        self.set_keepalive(interval, ask_or_end)

    def read_message(self) -> Any:
        """Return the type of the next packet, and the packet."""
        message = super().read_message()
        self._unanswered, self.heard = 0, time.monotonic()
        return message

    @property
    def is_sending(self) -> bool:
        """Whether a thread sends; it may wait for long, and so would the next."""
        return bool(self._senders)

    def send_message(self, data: Any) -> None:
        """Send a packet; waits while the other side takes none."""
        self._senders.add(threading.get_ident())
        try:
            super().send_message(data)
        finally:
            self._senders.discard(threading.get_ident())

    def readline(self, timeout: float) -> str:
        """Return a line without its end."""
        try:
            return str(super().readline(max(timeout, self.limit_s)))
        except UnicodeDecodeError as error:
            return bytes(error.object).decode(errors="replace")


class Transport(paramiko.Transport):
    """Offers host key algorithms, certificates among them, in an order that is given."""

    host_key_order: tuple[str, ...] = ()
    patience: float = 60.0
    """Seconds after which a server that gives no sign of life is given up."""
    binding: Binding | None = None

    def first_line_within(self, seconds: float) -> None:
        """Wait so long for each line before the server's version."""
        self._lines.limit_s = seconds

    def keep_alive(self, interval: int, most: int) -> None:
        """End the connection once the server has left ``most`` questions unanswered, ``interval`` seconds apart."""
        self.patience = interval * (most + 1)
        self._lines.keep_alive(interval, most, self.ask)

    def ask(self) -> None:
        """Ask the server for any answer; not where the question would have to wait: while something is being sent, or
        while keys are exchanged.
        """
        if self.clear_to_send.is_set() and not self._lines.is_sending:
            question = paramiko.Message()
            question.add_byte(paramiko.common.cMSG_GLOBAL_REQUEST)
            question.add_string("keepalive@openssh.com")
            question.add_boolean(True)
            self._send_user_message(question)  # type: ignore[attr-defined]

    @property
    def heard(self) -> float:
        """When the last packet came, on the monotonic clock."""
        return self._lines.heard

    @property
    def _lines(self) -> _Packetizer:
        assert isinstance(self.packetizer, _Packetizer)
        return self.packetizer

    @property
    def preferred_keys(self) -> tuple[str, ...]:
        """What paramiko offers as host key algorithms."""
        return self.host_key_order

    def start_client(self, event: Any = None, timeout: float | None = None) -> None:
        """Exchange keys; paramiko returns in silence at the time limit."""
        try:
            super().start_client(event, timeout)
        except IncompatiblePeer as error:
            raise IncompatiblePeer(self._explained(str(error))) from error
        if not self.initial_kex_done:
            raise TimeoutError

    def _verify_key(self, host_key: bytes, sig: bytes) -> None:
        super()._verify_key(host_key, sig)  # type: ignore[misc]
        self.binding = self.binding or Binding(host_key, self.session_id or b"", sig)

    def _explained(self, message: str) -> str:
        """Return the message for a server that has no algorithm of ours: with those that it could allow."""
        found = _UNACCEPTABLE.search(message)
        if found is None:
            return message
        name, keyword = _NAMES[found[1]]
        if keyword == "HostKeyAlgorithms":
            offered = [key for key in self.host_key_order if not key.endswith(CERTIFICATE)]
        else:
            offered = getattr(self.get_security_options(), _LISTS[keyword])
        return (
            f"no matching {name} found; the server must allow one of these ({keyword}): {','.join(offered)}"
        )


def open_transport(
    configuration: Configuration, policy: HostKeyPolicy, time_limit: float, stream: Any, **options: Any
) -> Transport:
    """Return a transport over ``stream`` that offers the algorithms of the configuration."""
    transport = Transport(stream, packetizer_class=_Packetizer, **options)
    with _lock:
        _open.add(transport)
    transport.first_line_within(time_limit)
    security = transport.get_security_options()
    certified = [f"{name}{CERTIFICATE}" for name in security.key_types]
    transport.host_key_order = tuple(policy.order([*security.key_types, *certified]))
    for word, kind in _LISTS.items():
        wanted = configuration.algorithms(word.lower())
        setattr(security, kind, _supported(word, wanted, getattr(security, kind)))
    transport.handshake_timeout = time_limit
    return transport


def _supported(word: str, wanted: list[str], supported: Sequence[str]) -> list[str]:
    """Return the algorithms of ``wanted`` that paramiko supports, in order; ``HostError`` if there is none."""
    names = dict.fromkeys(_ALIASES.get(name, name) for name in wanted)
    found = [name for name in names if name in supported]
    if not found:
        raise HostError(
            f"SSH configuration: {word} {','.join(wanted)}: not supported; supported: {','.join(supported)}"
        )
    return found


def close_silent(seconds: float) -> int:
    """Ask the servers of all connections of this process, and close those to servers that do not answer in time.

    Whoever waits for such a connection gets an error. Returns how many are left.
    """
    with _lock:
        asked = [transport for transport in _open if transport.is_active()]
    since = time.monotonic()
    for transport in asked:
        with contextlib.suppress(Exception):  # a connection that ends at this moment
            transport.ask()
    time.sleep(seconds)
    for transport in asked:
        if transport.heard < since:
            transport.close()
    return sum(transport.is_active() for transport in asked)
