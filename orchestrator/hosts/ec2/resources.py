"""What belongs to a run: resources that are tagged with it."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from orchestrator.hosts.rented.cloud import Instance, State

TAG = "orchestrate:run"
DEADLINE_TAG = "orchestrate:deadline"
DEADLINE_FORMAT = "%Y-%m-%dT%H:%M:%SZ"

STATES: Mapping[str, State] = {
    "pending": "starting",
    "running": "running",
    "shutting-down": "ended",
    "terminated": "ended",
    "stopping": "ended",
    "stopped": "ended",
}


class Resources:
    """The tagged resources of one account and region; ``run``: of one run, empty: of all runs."""

    def __init__(self, ec2: Any) -> None:
        self._ec2 = ec2

    def instances(self, run: str = "") -> list[dict[str, Any]]:
        """Return the instances, those that were terminated within about the last hour as well."""
        pages = self._ec2.get_paginator("describe_instances").paginate(Filters=_filters(run))
        return [one for page in pages for group in page["Reservations"] for one in group["Instances"]]

    def volumes(self, run: str = "") -> list[dict[str, Any]]:
        """Return the volumes that are attached to no instance."""
        filters = [*_filters(run), {"Name": "status", "Values": ["available"]}]
        return list(self._ec2.describe_volumes(Filters=filters)["Volumes"])

    def keys(self, run: str = "") -> list[dict[str, Any]]:
        """Return the key pairs."""
        return list(self._ec2.describe_key_pairs(Filters=_filters(run))["KeyPairs"])

    def groups(self, run: str = "") -> list[dict[str, Any]]:
        """Return the security groups."""
        return list(self._ec2.describe_security_groups(Filters=_filters(run))["SecurityGroups"])

    def runs(self) -> list[str]:
        """Return the runs that have resources."""
        live = [one for one in self.instances() if one["State"]["Name"] != "terminated"]
        tagged = [*live, *self.volumes(), *self.keys(), *self.groups()]
        return sorted({_run_of(one) for one in tagged})


def name_of(run: str) -> str:
    """Return the name of a run's resources: at most 43 characters, so that an instance id fits behind it."""
    plain = re.sub(r"[^A-Za-z0-9._-]", "-", run)
    if len(plain) > 30:
        plain = f"{plain[:21]}-{hashlib.sha256(run.encode()).hexdigest()[:8]}"
    return f"orchestrate-{plain}"


def tags_of(run: str) -> list[dict[str, str]]:
    """Return the tags of a run's resources."""
    return [{"Key": TAG, "Value": run}, {"Key": "Name", "Value": name_of(run)}]


def deadline_tag(deadline: datetime) -> dict[str, str]:
    """Return the tag that says when a machine is ended (UTC): a later controller cannot know it otherwise."""
    return {"Key": DEADLINE_TAG, "Value": deadline.strftime(DEADLINE_FORMAT)}


def instance_of(answer: Mapping[str, Any], options: Mapping[str, Any]) -> Instance:
    """Return an instance of an answer of the API."""
    key = "PrivateIpAddress" if options.get("address") == "private" else "PublicIpAddress"
    return Instance(
        id=answer["InstanceId"],
        type=answer["InstanceType"],
        state=STATES.get(answer["State"]["Name"], "starting"),
        zone=answer.get("Placement", {}).get("AvailabilityZone", ""),
        address=answer.get(key, ""),
        reason=answer.get("StateReason", {}).get("Message", ""),
        deadline=_deadline_of(answer),
    )


def _filters(run: str) -> list[dict[str, Any]]:
    if run:
        return [{"Name": f"tag:{TAG}", "Values": [run]}]
    return [{"Name": "tag-key", "Values": [TAG]}]


def _deadline_of(instance: Mapping[str, Any]) -> datetime | None:
    texts = [str(tag["Value"]) for tag in instance.get("Tags", ()) if tag["Key"] == DEADLINE_TAG]
    return datetime.strptime(texts[0], DEADLINE_FORMAT).replace(tzinfo=UTC) if texts else None


def _run_of(resource: Mapping[str, Any]) -> str:
    return next(str(tag["Value"]) for tag in resource["Tags"] if tag["Key"] == TAG)
