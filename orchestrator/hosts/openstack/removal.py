"""Remove what belongs to a run; safe to repeat, and to interrupt at any step."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

from orchestrator.errors import HostError
from orchestrator.hosts.openstack.errors import status_of
from orchestrator.hosts.openstack.resources import Resources

T = TypeVar("T")

GONE_LIMIT_S = 1500.0
"""Ironic may clean a node before its server is gone."""

UNUSED_LIMIT_S = 60.0
"""The port of a server may use its security group for some seconds after the server is gone."""


class Removal:
    """Each method yields one line for each removed resource.

    :param leases: Blazar's leases; None: the site has none. ``poll``: seconds between two requests about a resource.
    """

    def __init__(self, connection: Any, leases: Any, resources: Resources, poll: float) -> None:
        self._connection = connection
        self._leases = leases
        self._resources = resources
        self._poll = poll

    def everything(self, run: str) -> Iterator[str]:
        """Remove all resources of a run. Its servers go before the lease, which would end them in its own time."""
        for one in self._resources.floating_ips(run):
            self._connection.network.delete_ip(one.id)
            yield f"floating IP {one.floating_ip_address}"
        yield from self.servers(run)
        yield from self.leases(run)
        for key in self._resources.keys(run):
            self._connection.compute.delete_keypair(key.name)
            yield f"key pair {key.name}"
        for group in self._resources.groups(run):
            self._remove_group(group)
            yield f"security group {group.name}"

    def servers(self, run: str) -> Iterator[str]:
        """Remove the servers of a run and wait until they are gone."""
        servers = self._resources.servers(run)
        for one in servers:
            self._connection.compute.delete_server(one.id)
        if servers and not wait(lambda: not self._resources.servers(run), GONE_LIMIT_S, self._poll):
            names = ", ".join(one.id for one in servers)
            raise HostError(
                f"{names}: not removed within {GONE_LIMIT_S / 60:g} minutes; to remove the rest: "
                "orchestrate hosts down --orphans"
            )
        yield from (f"server {one.id}" for one in servers)

    def leases(self, run: str) -> Iterator[str]:
        """Remove the leases of a run."""
        for lease in self._resources.leases(run):
            try:
                self._leases.delete(lease["id"])
            except Exception as error:
                if status_of(error) != 404:
                    raise
            yield f"lease {lease['name']}"

    def _remove_group(self, group: Any) -> None:
        deadline = time.monotonic() + UNUSED_LIMIT_S
        while True:
            try:
                self._connection.network.delete_security_group(group.id)
            except Exception as error:
                if status_of(error) != 409 or time.monotonic() > deadline:
                    raise
                time.sleep(self._poll)
            else:
                return


def wait(function: Callable[[], T], limit: float, poll: float) -> T:
    """Call a function until it returns something true, at most for ``limit`` seconds; return its last value."""
    deadline = time.monotonic() + limit
    while not (value := function()) and time.monotonic() < deadline:
        time.sleep(poll)
    return value
