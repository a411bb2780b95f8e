"""Hosts of which the CPU time is known: each is a set of namespaces with an sshd, as in the tests of fleets."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.integration.netns import Fleet, NetHost, a_fleet
from tests.performance.usage import cpu_of_children

PATIENCE_S = 5.0
"""How long a host may take to come to rest after the last trial."""


class Hosts:
    """Hosts ``h1`` to ``hN`` and the network namespace of the controller; ``cpu``: seconds, known once they are off."""

    def __init__(self, fleet: Fleet, count: int) -> None:
        self.fleet = fleet
        self.cpu = 0.0
        for number in range(1, count + 1):
            fleet.add(f"h{number}")
        fleet.wait_until_up()
        self.inventory = fleet.inventory
        self.prefix = ("ip", "netns", "exec", fleet.controller)
        self.ssh_config = fleet.folder / "ssh_config"
        self.ssh_config.write_text(
            "".join(f"Host {host.name}\n  HostName {host.address}\n" for host in fleet.hosts)
            + f"Host *\n  User root\n  IdentityFile {fleet.folder}/user_key\n"
            f"  UserKnownHostsFile {fleet.folder}/known_hosts\n"
        )

    @property
    def names(self) -> list[str]:
        """The names of the hosts."""
        return [host.name for host in self.fleet.hosts]

    def turn_off(self) -> None:
        """End all processes of the hosts, and add up what they took."""
        before = cpu_of_children()
        for host in self.fleet.hosts:
            _end(host)
        self.cpu = cpu_of_children() - before


@contextmanager
def some_hosts(folder: Path, count: int) -> Iterator[Hosts]:
    """Start hosts; they end with the context."""
    folder.mkdir()
    with a_fleet(folder) as fleet:
        yield Hosts(fleet, count)


def _end(host: NetHost) -> None:
    """End the first process of the host, and so all others: whoever waits for it learns what all of them took."""
    assert host.process is not None
    (first,) = _children(host.process.pid)
    deadline = time.monotonic() + PATIENCE_S
    while _children(first) and time.monotonic() < deadline:  # sshd has not waited for a session yet
        time.sleep(0.02)
    os.kill(first, signal.SIGKILL)
    host.process.wait()


def _children(pid: int) -> list[int]:
    return list(map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split()))
