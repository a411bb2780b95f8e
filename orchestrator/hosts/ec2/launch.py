"""Launch the instances of a run: zone after zone, and safe to repeat."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from msgspec import Struct

from orchestrator.errors import BadInput
from orchestrator.hosts.ec2 import network, spot
from orchestrator.hosts.ec2.errors import explained
from orchestrator.hosts.ec2.resources import deadline_tag, instance_of, name_of, tags_of
from orchestrator.hosts.rented.cloud import Access, Instance, NoCapacity
from orchestrator.hosts.rented.machine_types import MachineType
from orchestrator.hosts.rented.own_address import allowed_addresses

DEBIAN_ACCOUNT = "136693071363"
"""Owner of Debian's images (https://wiki.debian.org/Cloud/AmazonEC2Image)."""


class Wanted(Struct, frozen=True):
    """What to launch, see :meth:`~orchestrator.hosts.rented.cloud.Cloud.create`."""

    run: str
    machine_type: MachineType
    count: int
    access: Access
    deadline: datetime


def launch(
    ec2: Any, options: Mapping[str, Any], region: str, wanted: Wanted, ended: Sequence[Instance]
) -> list[Instance]:
    """Launch all instances in one zone, with their key pair and security group.

    A request with fewer instances than wanted is refused by EC2. ``NoCapacity`` names the reason of each zone.

    :param ended: instances of the run that have ended. Their number is part of the client token, with which a repeated
        request returns the first one's instances.
    """
    run, machine_type = wanted.run, wanted.machine_type
    is_spot = bool(options.get("spot", False))
    subnets = network.subnets(ec2, options.get("subnets", ()), machine_type.name, region)
    if is_spot:
        subnets = spot.zones_last(subnets, machine_type.name, ended)
    if not subnets:
        raise NoCapacity(f"{machine_type.name}: not offered in {region}")
    addresses = allowed_addresses(str(options.get("ssh_from", "")), "hosts.ec2.ssh_from")
    image = _image(ec2, options, region, machine_type)
    network.import_key(ec2, name_of(run), tags_of(run), wanted.access.public_key)
    reasons = []
    for subnet in subnets:
        group = network.security_group(ec2, name_of(run), tags_of(run), subnet.network, addresses)
        token = _token(wanted, subnet.id, len(ended))
        try:
            with explained(region):
                answer = ec2.run_instances(
                    ImageId=image,
                    InstanceType=machine_type.name,
                    MinCount=wanted.count,
                    MaxCount=wanted.count,
                    ClientToken=token,
                    KeyName=name_of(run),
                    UserData=wanted.access.user_data,
                    InstanceInitiatedShutdownBehavior="terminate",
                    MetadataOptions={"HttpTokens": "required", "HttpEndpoint": "enabled"},
                    NetworkInterfaces=[
                        {
                            "DeviceIndex": 0,
                            "SubnetId": subnet.id,
                            "Groups": [group],
                            "AssociatePublicIpAddress": options.get("address", "public") == "public",
                            "DeleteOnTermination": True,
                        }
                    ],
                    TagSpecifications=[
                        {"ResourceType": kind, "Tags": [*tags_of(run), deadline_tag(wanted.deadline)]}
                        for kind in ("instance", "volume", "network-interface")
                    ],
                    **({"InstanceMarketOptions": spot.MARKET_OPTIONS} if is_spot else {}),
                )
        except NoCapacity as error:
            reasons.append(f"{machine_type.name} in {subnet.zone}: {error}")
        else:
            return [instance_of(one, options) for one in answer["Instances"]]
    raise NoCapacity(*reasons)


def _token(wanted: Wanted, subnet: str, ended: int) -> str:
    """Return the client token of a request: at most 64 characters."""
    words = [wanted.run, wanted.machine_type.name, subnet, str(ended)]
    if wanted.count > 1:
        words.append(str(wanted.count))
    return hashlib.sha256(" ".join(words).encode()).hexdigest()[:40]


def _image(ec2: Any, options: Mapping[str, Any], region: str, machine_type: MachineType) -> str:
    """Return the image of the file, else Debian's newest for the architecture."""
    if image := options.get("image"):
        return str(image)
    architecture = {"aarch64": "arm64"}.get(machine_type.architecture, "amd64")
    name = f"debian-12-{architecture}-2*"
    filters = [{"Name": "name", "Values": [name]}]
    found = ec2.describe_images(Owners=[DEBIAN_ACCOUNT], Filters=filters)["Images"]
    if not found:
        raise BadInput(f"{region} has no image {name} of Debian; set hosts.ec2.image")
    return str(max(found, key=lambda one: str(one["CreationDate"]))["ImageId"])
