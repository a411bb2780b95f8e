"""A host with an open SSH connection.

Each command has a channel of its own. paramiko does not set TCP_NODELAY, so this program does: a command then takes
8 ms, not 49 ms.
"""

from __future__ import annotations

import contextlib
import shlex
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from orchestrator.captured import TooMuchOutput, keep_last
from orchestrator.errors import HostError, HostLost
from orchestrator.hosts.base import TICK_S, Host
from orchestrator.hosts.command import Command
from orchestrator.hosts.line_buffer import LineBuffer
from orchestrator.hosts.ssh.address import SshAddress
from orchestrator.hosts.ssh.attempts import interruptible

if TYPE_CHECKING:
    from paramiko import Channel

    from orchestrator.hosts.ssh.connection import Link

SESSION_ATTEMPTS = 3
SESSION_PAUSE_S = 0.3


class SshHost(Host):
    """A host at ``address``. ``SetEnv`` of the SSH configuration is sent with each command."""

    def __init__(self, name: str, link: Link) -> None:
        super().__init__(name)
        self._link = link
        self.address = link.configuration.address
        self._environment = dict(value.split("=", 1) for value in link.configuration.values.get("setenv", ()))

    @property
    def ansible(self) -> Mapping[str, Any]:
        """See :meth:`Host.ansible`."""
        configuration = self._link.configuration
        return {
            "ansible_host": self.address.host,
            "ansible_port": configuration.port,
            "ansible_user": configuration.user,
            "ansible_ssh_common_args": shlex.join(replace(self.address, port=None, user=None).words),
        }

    def _channel(self, line: str) -> Channel:
        """Run ``line`` in a new session. Retries, as small servers refuse a session while another one closes."""
        for attempt in range(1, SESSION_ATTEMPTS + 1):
            began, limit = time.monotonic(), self._link.transport.patience
            try:
                channel: Channel = self._link.transport.open_session(timeout=limit)
                with _closed_after(channel, limit):
                    channel.update_environment(self._environment)
                    channel.exec_command(line)  # nosec B601 # quoted by Command
            except _ssh_errors() as error:
                # A command that was sent in time may have begun: it must not begin again.
                is_late = time.monotonic() - began >= limit
                if attempt == SESSION_ATTEMPTS or is_late or not self._link.transport.is_active():
                    raise HostLost(f"{self.name}: {_reason(error)}") from error
                time.sleep(SESSION_PAUSE_S)
            else:
                break
        return channel

    def _execute(
        self, line: str, stdin: bytes | None, time_limit: float, most: int
    ) -> tuple[int, bytes, bytes]:
        channel = self._channel(line)
        deadline = time.monotonic() + time_limit
        errors = bytearray()
        collector = threading.Thread(target=_drain, args=(channel.recv_stderr, errors), daemon=True)
        collector.start()
        output: list[bytes] = []
        size = 0
        try:
            channel.settimeout(time_limit)
            if stdin is not None:
                channel.sendall(stdin)
            channel.shutdown_write()
            while data := channel.recv(65536):
                output.append(data)
                size += len(data)
                if size > most:
                    raise TooMuchOutput(most)
                channel.settimeout(max(0.001, deadline - time.monotonic()))
            if not channel.status_event.wait(max(0.001, deadline - time.monotonic())):
                raise TimeoutError
            collector.join(max(0.001, deadline - time.monotonic()))
            code = channel.recv_exit_status()
        except TimeoutError:
            raise
        except _ssh_errors() as error:
            raise HostLost(f"{self.name}: {_reason(error)}") from error
        finally:
            channel.close()
        if code == -1:
            raise HostLost(f"{self.name}: {self._why_lost()}; it was running: {line}")
        return code, b"".join(output), bytes(errors)

    def session(self, line: str, *, terminal: bool) -> Sequence[str]:
        """See :meth:`Host.session`: the command of OpenSSH, which handles terminals, in a connection of its own."""
        words = ["-o", "BatchMode=yes", "-o", "LogLevel=ERROR", "-t" if terminal else "-T"]
        return ("ssh", *words, *self.address.words, self.address.host, *([line] if line else []))

    def batches(self, command: Command) -> Iterator[list[str] | None]:
        """See :meth:`Host.batches`; ``HostLost`` if the connection is lost."""
        channel = self._channel(self.prepare(command).line)
        channel.set_combine_stderr(True)
        channel.settimeout(TICK_S)
        lines = LineBuffer(self.name)
        try:
            while True:
                try:
                    data = channel.recv(65536)
                except TimeoutError:
                    yield None
                    continue
                except _ssh_errors() as error:
                    raise HostLost(f"{self.name}: {_reason(error)}") from error
                if not data:
                    break
                if whole := lines.add(data):
                    yield whole
            if channel.recv_exit_status() == -1:
                raise HostLost(f"{self.name}: {self._why_lost()}")
            if last := lines.end():
                yield last
        finally:
            channel.close()

    def _why_lost(self) -> str:
        """Return why a command has no exit code."""
        error = self._link.transport.get_exception()
        return _reason(error) if error else "connection lost"

    def close(self) -> None:
        """Close the connection and those to the jump hosts."""
        self._link.close()


def connect(name: str, address: SshAddress, time_limit: float = 30.0) -> SshHost:
    """Open a connection within ``time_limit`` seconds. The host key must be known.

    Raises ``HostError`` with one line: unreachable, unknown or changed host key, permission denied. ``Interrupted`` if
    the user gives it up, see :func:`give_up`.
    """
    try:
        link = interruptible(partial(_open_link, address, time_limit), lambda late: late.close())
    except HostError as error:
        raise type(error)(f"{name}: {str(error).removeprefix(f'{name}: ')}") from error
    return SshHost(name, link)


def _open_link(address: SshAddress, time_limit: float) -> Link:
    from orchestrator.hosts.ssh.connection import open_link  # paramiko takes a while to import

    return open_link(address, time_limit)


def close_silent(seconds: float) -> int:
    """Ask each host of this process for a sign of life, and close the connections to those that give none in time.

    Whoever waits for such a host gets ``HostLost``. Returns how many connections are left.
    """
    transports = sys.modules.get("orchestrator.hosts.ssh.transport")  # paramiko takes a while to import
    return transports.close_silent(seconds) if transports is not None else 0


@contextmanager
def _closed_after(channel: Channel, seconds: float) -> Iterator[None]:
    """Close the channel, which wakes whoever waits for it, if the block takes longer."""
    timer = threading.Timer(seconds, channel.close)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _drain(receive: Any, errors: bytearray) -> None:
    with contextlib.suppress(Exception):
        while data := receive(65536):
            keep_last(errors, data)


def _reason(error: BaseException) -> str:
    """Return what is wrong with a connection; paramiko raises ``EOFError`` without a message."""
    from paramiko import ChannelException

    if isinstance(error, ChannelException):
        return f"the server refuses sessions: {error.text}; see MaxSessions in its sshd_config"
    return f"connection lost: {str(error) or 'Connection closed by remote host'}"


def _ssh_errors() -> tuple[type[BaseException], ...]:
    from paramiko import SSHException

    return (SSHException, OSError, EOFError, ValueError)
