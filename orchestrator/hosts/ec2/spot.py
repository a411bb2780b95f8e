"""Spot instances: cheaper, and EC2 may interrupt them.

EC2 User Guide, "Get the status of a Spot Instance request": an interruption changes the status of the request at once,
and the instance runs for two more minutes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from orchestrator.hosts.ec2.network import Subnet
from orchestrator.hosts.rented.cloud import Instance

MARKET_OPTIONS: Mapping[str, Any] = {
    "MarketType": "spot",
    "SpotOptions": {"SpotInstanceType": "one-time", "InstanceInterruptionBehavior": "terminate"},
}
"""Of a request. Without a maximum price it is that of on-demand instances."""

BY_USER = "-by-user"
ENDS = ("marked-for-", "instance-terminated-", "instance-stopped-")
"""Beginnings of the status codes of requests whose instance ends or has ended; a code that ends with
:data:`BY_USER` is no interruption."""


def interruption(ec2: Any, instance: str) -> str:
    """Return why EC2 interrupts an instance; empty: it does not."""
    filters = [{"Name": "instance-id", "Values": [instance]}]
    for request in ec2.describe_spot_instance_requests(Filters=filters)["SpotInstanceRequests"]:
        code = str(request.get("Status", {}).get("Code", ""))
        if code.startswith(ENDS) and not code.endswith(BY_USER):
            return f"EC2 interrupts the spot instance: {code}"
    return ""


def zones_last(subnets: Sequence[Subnet], machine_type: str, ended: Sequence[Instance]) -> list[Subnet]:
    """Return the subnets; last those in zones where a machine of the type has ended, whose capacity EC2 needed."""
    zones = {one.zone for one in ended if one.type == machine_type}
    return sorted(subnets, key=lambda subnet: subnet.zone in zones)
