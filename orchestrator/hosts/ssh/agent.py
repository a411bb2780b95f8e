"""The SSH agent, and what it must know of a connection to use a key that is only for some hosts."""

from __future__ import annotations

import socket

from msgspec import Struct
from paramiko import Message
from paramiko.agent import AgentSSH

_EXTENSION = b"\x1b"
"""SSH_AGENTC_EXTENSION"""


class Binding(Struct, frozen=True):
    """Proof of the host that a connection leads to: its host key, and the signature of the first key exchange."""

    host_key: bytes
    session: bytes
    signature: bytes


class Agent(AgentSSH):
    """An SSH agent at a socket."""

    def __init__(self, path: str, time_limit: float) -> None:
        super().__init__()
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            connection.settimeout(time_limit)
            connection.connect(path)
            self._connect(connection)  # type: ignore[attr-defined]
        except BaseException:
            connection.close()
            raise

    def bind(self, binding: Binding) -> None:
        """Tell the agent which host this is: it then uses keys of ``ssh-add -h``. Other agents refuse, in vain."""
        message = Message()
        message.add_byte(_EXTENSION)
        message.add_string("session-bind@openssh.com")
        message.add_string(binding.host_key)
        message.add_string(binding.session)
        message.add_string(binding.signature)
        message.add_boolean(False)  # no forwarding
        self._send_message(message)  # type: ignore[attr-defined]

    def close(self) -> None:
        """Close the connection."""
        self._close()  # type: ignore[attr-defined]
