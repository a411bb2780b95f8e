"""Hosts as network, mount and process namespaces, each with an sshd.

Each host has its own address, directory, boot id and process ids. All its processes die when the first one is killed.
The controller is in a network namespace too, so the addresses of the machine that runs the tests are not changed.
"""

from __future__ import annotations

import itertools
import json
import os
import shutil
import subprocess
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.integration.sshd import SSHD, make_key
from tests.running import User

NETWORK = "10.77."
BASE = Path("/var/lib/orchestrate")
BOOT_ID = "/proc/sys/kernel/random/boot_id"
STAT_INTERVAL = "/proc/sys/vm/stat_interval"
"""A sysctl of which each host has its own value. All others are shared with the kernel."""

USER_FILES = ("passwd", "shadow", "sudoers")
_numbers = itertools.count()


@dataclass
class NetHost:
    """A host of the fleet. ``base``: its /var/lib/orchestrate; ``variables``: its variables in the inventory."""

    name: str
    namespace: str
    address: str
    folder: Path
    process: subprocess.Popen[bytes] | None = None
    variables: dict[str, str] = field(default_factory=dict)

    @property
    def base(self) -> Path:
        return self.folder / "base"

    def kill(self) -> None:
        """Kill all its processes at once."""
        assert self.process is not None
        self.process.kill()
        self.process.wait()


@dataclass
class Fleet:
    """Hosts, and the network namespace of the controller."""

    folder: Path
    controller: str
    hosts: list[NetHost] = field(default_factory=list)
    host_key: str = ""

    def add(
        self, name: str, *, mounts: str = "", wrapper: str = "", settings: str = "", **variables: str
    ) -> NetHost:
        """Start a host. ``mounts``: shell commands before sshd starts; ``wrapper``: a command that runs sshd."""
        number = len(self.hosts) + 10
        address = f"{NETWORK}{number // 256}.{number % 256}"
        host = NetHost(name, f"{self.controller}-{number}", address, self.folder / name)
        host.variables = {"ansible_host": host.address, **variables}
        self.hosts.append(host)
        with (self.folder / "known_hosts").open("a") as known:
            known.write(f"{host.address} {self.host_key}")
        host.base.mkdir(parents=True, exist_ok=True)
        (host.folder / "home").mkdir()
        (host.folder / "stat_interval").write_text("1\n")
        (host.folder / "boot_id").write_text(f"{uuid.uuid4()}\n")
        inside, outside = ("-n", host.namespace), ("-n", self.controller)
        ip("netns", "add", host.namespace)
        ip(
            *outside,
            "link",
            "add",
            f"h{number}",
            "type",
            "veth",
            "peer",
            "name",
            "eth0",
            "netns",
            host.namespace,
        )
        ip(*outside, "link", "set", f"h{number}", "master", "bridge", "up")
        ip(*inside, "address", "add", f"{host.address}/16", "dev", "eth0")
        ip(*inside, "link", "set", "eth0", "up")
        ip(*inside, "link", "set", "lo", "up")
        config = host.folder / "sshd_config"
        config.write_text(
            f"{settings}ListenAddress {host.address}:22\nHostKey {self.folder}/host_key\n"
            f"AuthorizedKeysFile {self.folder}/user_key.pub\nPidFile none\n"
            f"UsePAM no\nPasswordAuthentication no\nStrictModes no\nPermitRootLogin yes\n"
        )
        start = (
            f"mount --bind {host.base} {BASE} && mount --bind {host.folder}/boot_id {BOOT_ID} && "
            f"mount --bind {host.folder}/home /root && "  # a shell may write files to its home directory
            f"mount --bind {host.folder}/stat_interval {STAT_INTERVAL} && "
            f"{mounts or ':'} && exec {wrapper} {SSHD} -D -e -f {config}"
        )
        words = ("--mount", "--propagation", "private", "--pid", "--fork", "--kill-child", "--mount-proc")
        with (host.folder / "log").open("w") as log:
            host.process = subprocess.Popen(
                ("ip", "netns", "exec", host.namespace, "unshare", *words, "sh", "-c", start), stderr=log
            )
        return host

    def wait_until_up(self) -> None:
        """Wait until the server of each host listens."""
        deadline = time.monotonic() + 60
        for host in self.hosts:
            log = host.folder / "log"
            while "Server listening" not in log.read_text():
                assert host.process is not None
                assert host.process.poll() is None, log.read_text()
                assert time.monotonic() < deadline, f"timed out: {host.name}: {log.read_text()}"
                time.sleep(0.02)

    def add_with_user(self, name: str, *, sudo: str) -> NetHost:
        """Start a host with the user ``mm``; ``sudo`` is a line of ``/etc/sudoers``."""
        folder = self.folder / name
        folder.mkdir()
        lines = {
            "passwd": f"{Path('/etc/passwd').read_text()}mm:x:4711:4711::/home/mm:/bin/sh\n",
            "shadow": f"{Path('/etc/shadow').read_text()}mm:*:19000:0:99999:7:::\n",
            "sudoers": f"Defaults env_reset\nroot ALL=(ALL:ALL) ALL\n{sudo}\n",
        }
        for file, text in lines.items():
            (folder / file).write_text(text)
        (folder / "sudoers").chmod(0o440)
        (folder / "shadow").chmod(0o600)
        mounts = "".join(f"mount --bind {folder}/{file} /etc/{file} && " for file in USER_FILES)
        mounts += (
            f"mount -t tmpfs none /home && mkdir /home/mm && cp {self.folder}/user_key.pub /home/mm/keys"
        )
        mounts += " && chown -R 4711:4711 /home/mm"
        return self.add(name, mounts=mounts, settings="AuthorizedKeysFile /home/mm/keys\n", ansible_user="mm")

    @property
    def inventory(self) -> Path:
        """Write an inventory with all hosts, in order, as the group ``fleet``."""
        path = self.folder / "inventory.yaml"
        common = {
            "ansible_user": "root",
            "ansible_ssh_private_key_file": str(self.folder / "user_key"),
            "known_hosts_file": str(self.folder / "known_hosts"),
        }
        hosts = {host.name: host.variables for host in self.hosts}
        path.write_text(json.dumps({"fleet": {"hosts": hosts, "vars": common}}))
        return path

    def user(self, folder: Path) -> User:
        """Return a user on the controller with the fleet's inventory."""
        prefix = ("ip", "netns", "exec", self.controller)
        return User(folder, ("--inventory", str(self.inventory)), prefix=prefix)

    def close(self) -> None:
        """Stop all hosts and remove their namespaces."""
        for host in self.hosts:
            if host.process is not None and host.process.poll() is None:
                host.kill()
        for namespace in (*(host.namespace for host in self.hosts), self.controller):
            subprocess.run(("ip", "netns", "delete", namespace), check=False, capture_output=True)


def ip(*words: str) -> None:
    subprocess.run(("ip", *words), check=True)


@contextmanager
def a_fleet(folder: Path) -> Iterator[Fleet]:
    """Provide a fleet without hosts; skips the test without root or network namespaces."""
    if os.geteuid() != 0 or not shutil.which("ip"):
        pytest.skip("requires root and iproute2")
    controller = f"orchestrate-{os.getpid()}-{next(_numbers)}"
    if subprocess.run(("ip", "netns", "add", controller), check=False, capture_output=True).returncode:
        pytest.skip("requires network namespaces")
    fleet = Fleet(folder, controller)
    try:
        BASE.mkdir(exist_ok=True)
        Path("/run/sshd").mkdir(exist_ok=True)
        ip("-n", controller, "link", "add", "bridge", "type", "bridge")
        ip("-n", controller, "address", "add", f"{NETWORK}0.1/16", "dev", "bridge")
        ip("-n", controller, "link", "set", "bridge", "up")
        ip("-n", controller, "link", "set", "lo", "up")
        make_key(folder / "user_key")
        fleet.host_key = make_key(folder / "host_key")
        yield fleet
    finally:
        fleet.close()
