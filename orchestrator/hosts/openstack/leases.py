"""The end of a machine, enforced by the site: a lease of Blazar, which removes the server when it ends.

The machine cannot be trusted with it: the kernel under test may hang.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from orchestrator.hosts.openstack.errors import message_of, status_of
from orchestrator.hosts.rented.cloud import NoCapacity


class Unsupported(Exception):
    """The site's Blazar has no reservations of this kind."""


def reservation_of(node_type: str, flavor_id: str) -> Mapping[str, Any]:
    """Return what to reserve: a whole host of a node type (as on Chameleon), else one server of a flavor."""
    if node_type:
        return {
            "resource_type": "physical:host",
            "min": 1,
            "max": 1,
            "hypervisor_properties": "",
            "resource_properties": json.dumps(["==", "$node_type", node_type]),
        }
    return {"resource_type": "flavor:instance", "flavor_id": flavor_id, "amount": 1, "affinity": "None"}


def create(leases: Any, name: str, deadline: datetime, reservation: Mapping[str, Any]) -> None:
    """Create a lease from now until ``deadline`` (UTC, rounded up to a minute).

    ``Unsupported`` if Blazar does not know this kind of reservation.
    """
    end = deadline + timedelta(seconds=59)
    try:
        leases.create(name, "now", end.strftime("%Y-%m-%d %H:%M"), [dict(reservation)], [])
    except Exception as error:
        if "not supported" in message_of(error):
            raise Unsupported(message_of(error)) from error
        if status_of(error) != 409 or "already exists" not in message_of(error):  # delivered twice
            raise


def reservation_id(lease: Mapping[str, Any] | None) -> str:
    """Return the id of the reservation of a lease once it is active; empty until then."""
    if lease is None:
        return ""
    if lease["status"] in ("ERROR", "TERMINATED"):
        raise NoCapacity(f"no capacity: Blazar's lease {lease['name']} has the status {lease['status']}")
    return str(lease["reservations"][0]["id"]) if lease["status"] == "ACTIVE" else ""
