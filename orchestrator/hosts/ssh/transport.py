"""paramiko's transport, with the algorithms of the SSH configuration and the tolerance of OpenSSH."""

from __future__ import annotations

import re
from collections.abc import Sequence
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


class _Packetizer(Packetizer):
    """Reads lines that a server or a gateway sends before its version: in any encoding, and each may take a while."""

    limit_s = 0.0

    def readline(self, timeout: float) -> str:
        """Return a line without its end."""
        try:
            return str(super().readline(max(timeout, self.limit_s)))
        except UnicodeDecodeError as error:
            return bytes(error.object).decode(errors="replace")


class Transport(paramiko.Transport):
    """Offers host key algorithms, certificates among them, in an order that is given."""

    host_key_order: tuple[str, ...] = ()
    binding: Binding | None = None

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
    assert isinstance(transport.packetizer, _Packetizer)
    transport.packetizer.limit_s = time_limit
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
