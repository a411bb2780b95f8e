"""Who can reach an instance: its key pair, its security group, and the subnets where its type is offered."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from msgspec import Struct

from orchestrator.errors import HostError
from orchestrator.hosts.ec2.errors import code_of


class Subnet(Struct, frozen=True):
    """A subnet, its availability zone and its network."""

    id: str
    zone: str
    network: str


def subnets(ec2: Any, wanted: Sequence[str], machine_type: str, region: str) -> list[Subnet]:
    """Return the subnets in zones that offer a type: those in ``wanted``, else those of the default VPC."""
    if wanted:
        found = ec2.describe_subnets(SubnetIds=list(wanted))["Subnets"]
    else:
        found = ec2.describe_subnets(Filters=[{"Name": "default-for-az", "Values": ["true"]}])["Subnets"]
    if not found:
        raise HostError(f"{region} has no default VPC; list subnets in hosts.ec2.subnets")
    offered = ec2.describe_instance_type_offerings(
        LocationType="availability-zone", Filters=[{"Name": "instance-type", "Values": [machine_type]}]
    )["InstanceTypeOfferings"]
    zones = {one["Location"] for one in offered}
    all_subnets = [Subnet(one["SubnetId"], one["AvailabilityZone"], one["VpcId"]) for one in found]
    order = {subnet: index for index, subnet in enumerate(wanted)}
    return sorted(
        (one for one in all_subnets if one.zone in zones), key=lambda one: (order.get(one.id, 0), one.zone)
    )


def import_key(ec2: Any, name: str, tags: Sequence[Any], public_key: str) -> None:
    """Import the run's public key; one of an earlier attempt is replaced."""
    ec2.delete_key_pair(KeyName=name)
    ec2.import_key_pair(
        KeyName=name,
        PublicKeyMaterial=public_key.encode(),
        TagSpecifications=[{"ResourceType": "key-pair", "Tags": list(tags)}],
    )


def security_group(ec2: Any, name: str, tags: Sequence[Any], network: str, addresses: str) -> str:
    """Return the id of the run's security group, which lets in SSH from ``addresses`` only."""
    filters = [{"Name": "group-name", "Values": [name]}, {"Name": "vpc-id", "Values": [network]}]
    found = ec2.describe_security_groups(Filters=filters)["SecurityGroups"]
    group: str = (
        found[0]["GroupId"]
        if found
        else ec2.create_security_group(
            GroupName=name,
            Description="SSH from one controller",
            VpcId=network,
            TagSpecifications=[{"ResourceType": "security-group", "Tags": list(tags)}],
        )["GroupId"]
    )
    version = "Ipv6Ranges" if ":" in addresses else "IpRanges"
    key = "CidrIpv6" if ":" in addresses else "CidrIp"
    try:
        ec2.authorize_security_group_ingress(
            GroupId=group,
            IpPermissions=[{"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, version: [{key: addresses}]}],
        )
    except Exception as error:
        if code_of(error) != "InvalidPermission.Duplicate":
            raise
    return group
