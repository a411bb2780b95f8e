"""EC2 by the five verbs of :class:`~orchestrator.hosts.rented.cloud.Cloud`."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import cached_property
from typing import Any, TypeVar

from orchestrator.errors import BadInput, HostError
from orchestrator.experiment.model import Needs
from orchestrator.extras import installation
from orchestrator.hosts.ec2.deadline import DEFAULT_ROLE, Deadlines
from orchestrator.hosts.ec2.errors import code_of, explained
from orchestrator.hosts.ec2.launch import Wanted, launch
from orchestrator.hosts.ec2.resources import Resources, instance_of, name_of
from orchestrator.hosts.ec2.spot import interruption
from orchestrator.hosts.rented.cloud import Access, Cloud, Instance, NotConfigured
from orchestrator.hosts.rented.machine_types import MachineType, shipped
from orchestrator.nearest import did_you_mean

T = TypeVar("T")

GONE_LIMIT_S = 1500.0
"""A metal instance takes more than 10 minutes to stop (aws/aws-sdk-go#2039)."""

TAGGED_LIMIT_S = 60.0
"""A new instance may not be in an answer of the API at once: it is eventually consistent."""

ANY_REGION = "us-east-1"
"""Asked for the names of the regions where none is configured."""

POLL_S = 5.0


class Ec2(Cloud):
    """One account in one region.

    :param options: the ``hosts.ec2`` section.
    :param poll: seconds between two requests about the same resource; ``session``: boto3's, if there is one.
    """

    def __init__(
        self, options: Mapping[str, Any], region: str = "", poll: float = POLL_S, session: Any = None
    ) -> None:
        self._options = options
        self._opened_session = session
        self._region = region or str(options.get("region", ""))
        self._poll = poll

    @property
    def location(self) -> str:
        """See :class:`Cloud`."""
        return self.region

    @property
    def user(self) -> str:
        """See :class:`Cloud`; ``admin`` in Debian's images."""
        return str(self._options.get("user", "admin"))

    @property
    def interrupts(self) -> bool:
        """See :class:`Cloud`: spot instances only."""
        return bool(self._options.get("spot", False))

    def interruption(self, instance: Instance) -> str:
        """See :meth:`Cloud.interruption`; asks the API, so that nothing runs on the machine that is measured."""
        with explained(self.region):
            return interruption(self._ec2, instance.id)

    @cached_property
    def region(self) -> str:
        """The region of the file, else that of the AWS configuration; ``BadInput`` if there is none."""
        region = self._configured_region
        if not region:
            raise BadInput("no AWS region; set hosts.ec2.region or AWS_REGION")
        return region

    @property
    def hints(self) -> tuple[str, ...]:
        """See :attr:`Cloud.hints`. The list has metal types only, so another name may be right."""
        known = shipped("ec2")
        return tuple(
            f"hosts.ec2.types: '{name}' is not a known metal type; {did_you_mean(name, known)}"
            for name in self._options.get("types", ())
            if name not in known
        )

    def estimate(self, needs: Needs) -> Sequence[MachineType]:
        """See :meth:`Cloud.estimate`: the types of the file in its order, else known ones.

        Of these, those with a known number of nodes come first, then the cheapest.
        """
        known = shipped("ec2")
        if named := self._options.get("types"):
            types = [known.get(name, _unknown(name)) for name in named]
            return [one for one in types if one.may_meet(needs)]
        suitable = [one for one in known.values() if one.may_meet(needs) and one.architecture == "x86_64"]
        return sorted(suitable, key=lambda one: (not one.nodes, one.price or float("inf")))

    def create(
        self, run: str, machine_type: MachineType, count: int, access: Access, deadline: datetime
    ) -> Sequence[Instance]:
        """See :meth:`Cloud.create`. Each step may have been done by an earlier controller."""
        with explained(self.region):
            self._deadlines.require_role()
            existing = self.find(run)
            instances = [one for one in existing if one.state != "ended"]
            if not instances:
                instances = self._launch(run, machine_type, count, access, deadline, existing)
            for instance in instances:
                self._deadlines.set(name_of(run), instance.id, instance.deadline or deadline)
        return instances

    def end_at(self, run: str, instance: Instance, deadline: datetime) -> None:
        """See :meth:`Cloud.end_at`: its controller may have been killed before it made the schedule."""
        with explained(self.region):
            self._deadlines.require_role()
            self._deadlines.set(name_of(run), instance.id, deadline)

    def find(self, run: str) -> Sequence[Instance]:
        """See :meth:`Cloud.find`."""
        with explained(self.region):
            return [instance_of(one, self._options) for one in self._resources.instances(run)]

    def reach(self, instance: Instance) -> str:
        """See :meth:`Cloud.reach`."""
        if not instance.address:
            kind = self._options.get("address", "public")
            raise HostError(
                f"{instance.id} has no {kind} address; see hosts.ec2.address and hosts.ec2.subnets"
            )
        return instance.address

    def destroy(self, run: str) -> Sequence[str]:
        """See :meth:`Cloud.destroy`."""
        with explained(self.region):
            return list(self._destroy(run))

    def power_cycle(self, instance: Instance) -> None:
        """See :meth:`Cloud.power_cycle`; EC2 resets an instance that does not shut down by itself."""
        with explained(self.region):
            self._ec2.reboot_instances(InstanceIds=[instance.id])

    def runs(self) -> Sequence[str]:
        """See :meth:`Cloud.runs`."""
        with explained(self.region):
            return self._resources.runs()

    def everywhere(self) -> Sequence[Cloud]:
        """See :meth:`Cloud.everywhere`."""
        known = self._configured_region or ANY_REGION
        with explained(known):
            client = self._session.client("ec2", region_name=known)
            names = [str(one["RegionName"]) for one in client.describe_regions()["Regions"]]
        names.sort(key=lambda name: (name != known, name))  # first the one where most is to be expected
        return [Ec2(self._options, name, self._poll, self._session) for name in names]

    # --- requests ---

    @property
    def _configured_region(self) -> str:
        """The region of the file, or of AWS_REGION as for other programs, else boto3's; empty if there is none."""
        return self._region or os.environ.get("AWS_REGION", "") or self._session.region_name or ""

    @cached_property
    def _session(self) -> Any:
        if self._opened_session is not None:
            return self._opened_session  # it has read the descriptions of the API, which take a second
        try:
            import boto3
        except ImportError:
            raise NotConfigured(
                f"the ec2 provider requires boto3; install it with: {installation('aws')}"
            ) from None
        with explained(self._region):
            return boto3.session.Session(region_name=self._region or None)

    @cached_property
    def _config(self) -> Any:
        from botocore.config import Config

        retries = {"mode": "standard", "max_attempts": 6}
        return Config(
            region_name=self.region,
            retries=retries,
            connect_timeout=10,
            read_timeout=60,
            max_pool_connections=2,
        )

    @cached_property
    def _ec2(self) -> Any:
        return self._session.client("ec2", config=self._config)

    @cached_property
    def _resources(self) -> Resources:
        return Resources(self._ec2)

    @cached_property
    def _deadlines(self) -> Deadlines:
        return Deadlines(self._session, self._config, str(self._options.get("role", DEFAULT_ROLE)))

    def _launch(
        self,
        run: str,
        machine_type: MachineType,
        count: int,
        access: Access,
        deadline: datetime,
        ended: Sequence[Instance],
    ) -> list[Instance]:
        wanted = Wanted(run, machine_type, count, access, deadline)
        try:
            return launch(self._ec2, self._options, self.region, wanted, ended)
        except HostError as error:
            if code_of(error.__cause__) != "IdempotentParameterMismatch":
                raise
            # An earlier controller's request, of which no answer tells yet; its deadline was another.
            found = self._wait(
                lambda: [one for one in self.find(run) if one.state != "ended"], TAGGED_LIMIT_S
            )
            if not found:
                raise
            return found

    def _destroy(self, run: str) -> Iterator[str]:
        live = [one.id for one in self.find(run) if one.state != "ended"]
        if live:
            self._ec2.terminate_instances(InstanceIds=live)
        for schedule in list(self._deadlines.names(name_of(run))):
            self._deadlines.remove(schedule)
            yield f"schedule {schedule}"
        if not self._wait(lambda: self._are_gone(run), GONE_LIMIT_S):
            raise HostError(
                f"{', '.join(live)}: still shutting down; to remove the rest: orchestrate hosts down --orphans"
            )
        yield from (f"instance {one}" for one in live)
        for volume in self._resources.volumes(run):
            self._ec2.delete_volume(VolumeId=volume["VolumeId"])
            yield f"volume {volume['VolumeId']}"
        for key in self._resources.keys(run):
            self._ec2.delete_key_pair(KeyName=key["KeyName"])
            yield f"key pair {key['KeyName']}"
        for group in self._resources.groups(run):
            self._ec2.delete_security_group(GroupId=group["GroupId"])
            yield f"security group {group['GroupName']}"

    def _are_gone(self, run: str) -> bool:
        return all(one["State"]["Name"] == "terminated" for one in self._resources.instances(run))

    def _wait(self, function: Callable[[], T], limit: float) -> T:
        """Call a function until it returns something true, at most for ``limit`` seconds; return its last value."""
        deadline = time.monotonic() + limit
        while not (value := function()) and time.monotonic() < deadline:
            time.sleep(self._poll)
        return value


def _unknown(name: str) -> MachineType:
    return MachineType(name, "aarch64" if re.match(r"[a-z]+\d+g", name) else "x86_64")
