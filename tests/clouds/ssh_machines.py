"""Machines for clouds that tests run: each is a real sshd with a private view of some directories of this machine."""

from __future__ import annotations

import itertools
import os
import subprocess
from pathlib import Path

import yaml

from tests.integration.sshd import SSHD

PRIVATE = ("/root", "/etc/ssh", "/run", "/var/lib/orchestrate", "/tmp")
"""The home directory as well: its start-up files may take locks, which a machine that is killed would leave behind.
/tmp is last: it may hide the folders of the others."""

CONFIGURATION = """\
ListenAddress {address}:22
HostKey /etc/ssh/ssh_host_ed25519_key
AuthorizedKeysFile /etc/ssh/authorized_keys
PidFile /run/sshd.pid
UsePAM no
PasswordAuthentication no
StrictModes no
PermitRootLogin yes
MaxSessions 50
"""
_numbers = itertools.count(1)


def next_address() -> str:
    """Return an address of 127/8 that no other machine has had, in this process or another one of pytest-xdist."""
    number = next(_numbers)
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    return f"127.{77 + worker}.{number // 250}.{number % 250 + 1}"


class SshMachine:
    """An sshd on port 22 of an address of 127/8, with the host key that cloud-init would take from ``user_data``.

    :param boot_time: seconds until it listens.
    """

    def __init__(self, folder: Path, user_data: str, public_key: str, boot_time: float = 0.0) -> None:
        self.address = next_address()
        self.user_data = user_data
        self._folder = folder
        for path in PRIVATE:
            (folder / path.lstrip("/")).mkdir(parents=True)
            Path(path).mkdir(exist_ok=True)
        (folder / "run/sshd").mkdir()
        ssh = folder / "etc/ssh"
        key = ssh / "ssh_host_ed25519_key"
        key.write_text(yaml.safe_load(user_data)["ssh_keys"]["ed25519_private"])
        key.chmod(0o600)
        (ssh / "authorized_keys").write_text(public_key)
        (ssh / "sshd_config").write_text(CONFIGURATION.format(address=self.address))
        steps = [f"sleep {boot_time}"]
        steps += [f"mount --bind {folder}{path} {path}" for path in PRIVATE]
        namespaces = (
            "--mount",
            "--propagation",
            "private",
            "--pid",
            "--fork",
            "--mount-proc",
            "--kill-child",
        )
        with (folder / "log").open("wb") as log:
            self._process = subprocess.Popen(
                [
                    "unshare",
                    *namespaces,
                    "sh",
                    "-c",
                    " && ".join([*steps, f"exec {SSHD} -D -e"]),
                ],
                stdout=log,
                stderr=log,
            )

    @property
    def host_key(self) -> str:
        """The private host key that it has now."""
        return (self._folder / "etc/ssh/ssh_host_ed25519_key").read_text()

    def stop(self) -> None:
        """End the machine and all that runs on it."""
        self._process.kill()
        self._process.wait()
