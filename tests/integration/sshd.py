"""A real sshd on the loopback interface, with its own keys."""

from __future__ import annotations

import contextlib
import getpass
import os
import random
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from orchestrator.hosts.ssh import SshAddress

SSHD = "/usr/sbin/sshd"

BARE_SHELL = "SetEnv SHLVL=2\n"
"""Else bash reads ~/.bashrc for each command (shell.c, run_by_ssh), which may take a while or wait for a lock.
sshd takes the first SetEnv of a configuration only."""

_GIVEN: set[int] = set()


@dataclass(frozen=True)
class Sshd:
    """A running SSH server with the keys and configuration of a client."""

    folder: Path
    port: int

    @property
    def address(self) -> SshAddress:
        return SshAddress(
            "127.0.0.1",
            user=getpass.getuser(),
            port=self.port,
            identity_file=self.folder / "user_key",
            known_hosts_file=self.folder / "known_hosts",
        )

    @property
    def ssh_config(self) -> Path:
        """A client configuration with this server as ``testhost``."""
        return self.folder / "ssh_config"

    @property
    def logins(self) -> int:
        """How many clients it has let in."""
        return (self.folder / "log").read_text().count("Accepted publickey")


def make_key(path: Path) -> str:
    """Generate a key pair and return the public key."""
    subprocess.run(("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(path)), check=True)
    return path.with_suffix(".pub").read_text()


def free_port() -> int:
    """Return a port for a server that will be started, never the same one twice.

    It lies below the range from which the kernel gives ports to clients and to those who bind port 0: one
    of them could have taken it before the server does.
    """
    local_ports = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    while True:
        port = random.SystemRandom().randrange(10_000, local_ports)
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            if port not in _GIVEN:
                _GIVEN.add(port)
                return port


@contextmanager
def serve(
    folder: Path, *, prefix: tuple[str, ...] = (), settings: str = "", own_host_key: bool = True
) -> Iterator[Sshd]:
    """Run a server. ``prefix``: a command that runs sshd; ``settings``: lines of its configuration.

    ``own_host_key``: whether it has a host key that is not in ``settings``.
    """
    host_key = make_key(folder / "host_key")
    (folder / "authorized_keys").write_text(make_key(folder / "user_key"))
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(exist_ok=True)
    port = free_port()
    (folder / "known_hosts").write_text(f"[127.0.0.1]:{port} {host_key}")
    (folder / "sshd_config").write_text(
        f"ListenAddress 127.0.0.1:{port}\n"
        f"{f'HostKey {folder}/host_key' if own_host_key else ''}\n"
        f"AuthorizedKeysFile {folder}/authorized_keys\n"
        f"PidFile {folder}/pid\n"
        "UsePAM no\nPasswordAuthentication no\nStrictModes no\nPermitRootLogin yes\nMaxSessions 50\n"
        f"{settings if 'SetEnv' in settings else BARE_SHELL + settings}"
    )
    (folder / "ssh_config").write_text(
        f"Host testhost\n  HostName 127.0.0.1\n  Port {port}\n  User {getpass.getuser()}\n"
        f"  IdentityFile {folder}/user_key\n  UserKnownHostsFile {folder}/known_hosts\n"
    )
    with (folder / "log").open("w") as log:
        server = subprocess.Popen((*prefix, SSHD, "-D", "-e", "-f", str(folder / "sshd_config")), stderr=log)
    try:
        _wait_until_up(server, port, folder / "log")
        yield Sshd(folder, port)
    finally:
        server.terminate()
        server.wait(timeout=10)


def _wait_until_up(server: subprocess.Popen[bytes], port: int, log: Path) -> None:
    for _ in range(200):
        if server.poll() is not None:
            raise RuntimeError(f"sshd exited: {log.read_text()}")
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise RuntimeError("timed out: sshd does not listen")
