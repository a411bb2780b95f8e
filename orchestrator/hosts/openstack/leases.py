"""The end of a machine, enforced by the site: a lease of Blazar, which removes the server when it ends.

The machine cannot be trusted with it: the kernel under test may hang.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from orchestrator.hosts.openstack.errors import message_of, status_of
from orchestrator.hosts.openstack.removal import wait
from orchestrator.hosts.rented.cloud import NoCapacity

LEASE_LIMIT_S = 300.0


class Unsupported(Exception):
    """The site's Blazar has no reservations of this kind."""


def reservation_of(node_type: str, flavor_id: str, count: int) -> Mapping[str, Any]:
    """Return what to reserve: whole hosts of a node type (as on Chameleon), else servers of a flavor."""
    if node_type:
        return {
            "resource_type": "physical:host",
            "min": count,
            "max": count,
            "hypervisor_properties": "",
            "resource_properties": json.dumps(["==", "$node_type", node_type]),
        }
    return {"resource_type": "flavor:instance", "flavor_id": flavor_id, "amount": count, "affinity": "None"}


def reserve(leases: Any, name: str, deadline: datetime, reservation: Mapping[str, Any], poll: float) -> str:
    """Create a lease until ``deadline`` (UTC, rounded up to a minute); return its reservation once it is active.

    Raises ``NoCapacity``, and ``Unsupported`` if Blazar does not know this kind of reservation.

    :param poll: seconds between two requests.
    """
    _create(leases, name, deadline, reservation)

    def active() -> str:
        lease = next((one for one in leases.list() if one["name"] == name), None)
        if lease is None:
            return ""
        if lease["status"] in ("ERROR", "TERMINATED"):
            raise NoCapacity(f"no capacity: Blazar's lease {name} has the status {lease['status']}")
        return str(lease["reservations"][0]["id"]) if lease["status"] == "ACTIVE" else ""

    found = wait(active, LEASE_LIMIT_S, poll)
    if not found:
        limit = f"{LEASE_LIMIT_S / 60:g} minutes"
        raise NoCapacity(f"no capacity: Blazar's lease {name} is not active after {limit}")
    return found


def _create(leases: Any, name: str, deadline: datetime, reservation: Mapping[str, Any]) -> None:
    end = deadline + timedelta(seconds=59)
    try:
        leases.create(name, "now", end.strftime("%Y-%m-%d %H:%M"), [dict(reservation)], [])
    except Exception as error:
        if "not supported" in message_of(error):
            raise Unsupported(message_of(error)) from error
        if status_of(error) != 409 or "already exists" not in message_of(error):  # delivered twice
            raise
