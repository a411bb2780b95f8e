"""What belongs to a run: resources that carry its id in their metadata, description or name."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

from orchestrator.hosts.openstack.errors import NO_CAPACITY
from orchestrator.hosts.rented.cloud import Instance, State

TYPE = "orchestrate:type"
DEADLINE = "orchestrate:deadline"
DEADLINE_FORMAT = "%Y-%m-%dT%H:%M:%SZ"
TAG = "orchestrate:run"
"""In a server's metadata; security groups and floating IPs have ``TAG=RUN`` as their description."""

_NAME = re.compile(r"orchestrate-(\d{8}T\d{9}Z-[0-9a-f]{4})")
"""Key pairs and leases have a name only."""

STATES: dict[str, State] = {
    "BUILD": "starting",
    "ERROR": "ended",
    "SHUTOFF": "ended",
    "DELETED": "ended",
    "SOFT_DELETED": "ended",
}
"""All others, such as REBOOT, are states of a server that runs."""


class Resources:
    """The resources of one project and region; ``run``: of one run, empty: of all runs.

    :param leases: Blazar's leases; None: the site has none.
    """

    def __init__(self, connection: Any, leases: Any) -> None:
        self._connection = connection
        self._leases = leases

    def servers(self, run: str = "", at_least: int = 0) -> list[Any]:
        """Return the servers, the oldest first; none if there are fewer than ``at_least``."""
        found = self._connection.compute.servers(details=True, name="^orchestrate-")
        tagged = [one for one in found if _matches((one.metadata or {}).get(TAG, ""), run)]
        return sorted(tagged, key=lambda one: str(one.created_at)) if len(tagged) >= at_least else []

    def floating_ips(self, run: str = "") -> list[Any]:
        """Return the floating IPs."""
        return [one for one in self._connection.network.ips() if _matches(described(one), run)]

    def groups(self, run: str = "") -> list[Any]:
        """Return the security groups."""
        return [one for one in self._connection.network.security_groups() if _matches(described(one), run)]

    def keys(self, run: str = "") -> list[Any]:
        """Return the key pairs."""
        return [one for one in self._connection.compute.keypairs() if _matches(named(one.name), run)]

    def leases(self, run: str = "") -> list[dict[str, Any]]:
        """Return the leases of Blazar, those that have ended as well."""
        if self._leases is None:
            return []
        return [one for one in self._leases.list() if _matches(named(one["name"]), run)]

    def runs(self) -> list[str]:
        """Return the runs that have resources."""
        found = {one.metadata[TAG] for one in self.servers()}
        found |= {described(one) for one in (*self.floating_ips(), *self.groups())}
        found |= {named(one.name) for one in self.keys()}
        found |= {named(one["name"]) for one in self.leases()}
        return sorted(found)


def name_of(run: str) -> str:
    """Return the name of a run's resources."""
    return f"orchestrate-{run}"


def metadata_of(run: str, machine_type: str, deadline: datetime) -> dict[str, str]:
    """Return the metadata of a run's server: a later controller cannot know its deadline (UTC) otherwise."""
    return {TAG: run, TYPE: machine_type, DEADLINE: deadline.strftime(DEADLINE_FORMAT)}


def description_of(run: str) -> str:
    """Return the description of a run's security group and floating IP."""
    return f"{TAG}={run}"


def described(resource: Any) -> str:
    """Return the run in a description; empty if there is none."""
    tag, _, run = (resource.description or "").partition("=")
    return run if tag == TAG else ""


def named(name: str) -> str:
    """Return the run in a name; empty if there is none."""
    match = _NAME.fullmatch(name)
    return match[1] if match else ""


def instance_of(server: Any, region: str) -> Instance:
    """Return a server as this program's instance, without its address: see ``network.address``."""
    fault = " ".join(str((server.fault or {}).get("message", "")).split())
    if NO_CAPACITY.search(fault):
        fault = f"no capacity: {fault}"
    if server.status == "SHUTOFF":
        fault = "powered off"
    metadata = server.metadata or {}
    end = metadata.get(DEADLINE, "")
    return Instance(
        id=server.id,
        type=metadata.get(TYPE, ""),
        state=STATES.get(server.status, "running"),
        zone=server.availability_zone or region,
        reason=fault,
        deadline=datetime.strptime(end, DEADLINE_FORMAT).replace(tzinfo=UTC) if end else None,
    )


def _matches(found: str, run: str) -> bool:
    return found == run if run else bool(found)
