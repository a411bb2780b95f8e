"""Accounting of a test's cluster: a MariaDB server and slurmdbd of its own, and the accounts of its users.

The database is in the cluster's folder and listens on a Unix socket only.
"""

from __future__ import annotations

import shutil
import signal
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from tests.integration.sshd import free_port

PROGRAMS = ("mariadbd", "mariadb-install-db", "my_print_defaults", "slurmdbd", "sacctmgr", "sacct")

SLURM_CONF = """
AccountingStorageType=accounting_storage/slurmdbd
AccountingStorageHost=127.0.0.1
AccountingStoragePort={port}
AccountingStoragePass={folder}/munge/munge.sock
AccountingStorageEnforce=associations,limits,qos
"""
"""``AccountingStoragePass`` is the socket of munged here; ``AuthInfo`` is not used for this connection."""

SLURMDBD_CONF = """
AuthType=auth/munge
AuthInfo=socket={folder}/munge/munge.sock
DbdHost=localhost
DbdAddr=127.0.0.1
DbdPort={port}
SlurmUser=root
StorageType=accounting_storage/mysql
StorageHost=localhost
StorageUser=root
StorageLoc=slurm
LogFile={folder}/slurmdbd.log
PidFile={folder}/slurmdbd.pid
"""


def missing() -> str:
    """Why a cluster here has no accounting; empty if it can have it."""
    absent = [name for name in PROGRAMS if shutil.which(name) is None]
    if not absent:
        return ""
    return f"not installed: {', '.join(absent)} (Debian: slurmdbd, mariadb-server-core, mariadb-client-core)"


class Daemons(Protocol):
    """The part of a cluster that this uses."""

    folder: Path

    def command(self, *words: str) -> str: ...

    def wait_for(self, what: str, condition: object) -> None: ...

    def start_daemon(
        self, *words: str, environment: Mapping[str, str] | None = None
    ) -> subprocess.Popen[bytes]: ...


class Accounting:
    """The accounting of a cluster; started before slurmctld, which registers there.

    :param cluster: its munged runs, and its slurm.conf has :attr:`configuration`.
    """

    def __init__(self, cluster: Daemons) -> None:
        self._cluster = cluster
        self._folder = folder = cluster.folder
        self._port = free_port()
        self.configuration = SLURM_CONF.format(folder=folder, port=self._port)
        self._slurmdbd: subprocess.Popen[bytes]

    def start(self, *accounts: str) -> None:
        """Start both servers, and create the cluster ``test`` with accounts that root may use."""
        folder, cluster = self._folder, self._cluster
        data = f"--datadir={folder}/database"
        install = ("mariadb-install-db", "--no-defaults", data, "--user=root", "--skip-test-db")
        subprocess.run(install, check=True, capture_output=True)
        cluster.start_daemon(
            "mariadbd", "--no-defaults", data, "--user=root", "--skip-networking", f"--socket={folder}/database.sock",
            f"--pid-file={folder}/database.pid", f"--log-error={folder}/database.log",
        )  # fmt: skip
        cluster.wait_for("mariadbd", (folder / "database.sock").exists)
        configuration = folder / "slurmdbd.conf"
        configuration.write_text(SLURMDBD_CONF.format(folder=folder, port=self._port))
        configuration.chmod(0o600)
        self.start_slurmdbd()
        self.change("add", "cluster", "test")
        for account in accounts:
            self.change("add", "account", account, "Description=test", "Organization=test")
            self.change("add", "user", "root", f"Account={account}")

    def change(self, *words: str) -> None:
        """Run ``sacctmgr`` without its question."""
        self._cluster.command("sacctmgr", "--immediate", *words)

    def start_slurmdbd(self) -> None:
        """Start slurmdbd, also after :meth:`stop_slurmdbd`; it finds its file, and the database, by the environment."""
        self._slurmdbd = self._cluster.start_daemon(
            "slurmdbd",
            "-D",
            environment={
                "SLURM_CONF": str(self._folder / "slurmdbd.conf"),
                "MYSQL_UNIX_PORT": str(self._folder / "database.sock"),
            },
        )
        self._cluster.wait_for("slurmdbd", lambda: bool(self._cluster.command("sacctmgr", "show", "stats")))

    def stop_slurmdbd(self) -> None:
        """Stop slurmdbd; slurmctld keeps what it has to say until it is back."""
        self._slurmdbd.send_signal(signal.SIGTERM)
        self._slurmdbd.wait()

    def sql(self, statement: str) -> None:
        """Change the database of Slurm behind its back."""
        words = (
            "mariadb",
            "--no-defaults",
            f"--socket={self._folder}/database.sock",
            "slurm",
            "--execute",
            statement,
        )
        subprocess.run(words, check=True, capture_output=True)
