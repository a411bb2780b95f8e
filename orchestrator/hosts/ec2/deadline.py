"""The end of a machine, enforced by AWS: a one-time schedule terminates it, then deletes itself.

The machine cannot be trusted with it: the kernel under test may hang.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from orchestrator.errors import HostError
from orchestrator.hosts.ec2.errors import code_of

DEFAULT_ROLE = "orchestrate-terminate"
TARGET = "arn:aws:scheduler:::aws-sdk:ec2:terminateInstances"
"""A universal target: an operation of the EC2 API (EventBridge Scheduler User Guide, "Using universal targets")."""


class Deadlines:
    """The schedules of one account and region.

    :param role: name or ARN of the role that EventBridge Scheduler assumes.
    """

    def __init__(self, session: Any, config: Any, role: str) -> None:
        self._scheduler = session.client("scheduler", config=config)
        self._iam = session.client("iam", config=config)
        self._sts = session.client("sts", config=config)
        self._role = role
        self._arn = ""

    def require_role(self) -> None:
        """Raise ``HostError`` if the role does not exist; called before anything is created."""
        if not self._role.startswith("arn:"):
            account = self._sts.get_caller_identity()["Account"]
            self._arn = f"arn:aws:iam::{account}:role/{self._role}"
        else:
            self._arn = self._role
        name = self._arn.rpartition("/")[2]
        try:
            self._iam.get_role(RoleName=name)
        except Exception as error:
            code = code_of(error)
            if code == "NoSuchEntity":
                raise HostError(
                    f"AWS: no IAM role {name!r} for EventBridge Scheduler; "
                    "create it as in docs/clouds.md, or name another one in hosts.ec2.role"
                ) from error
            if code not in ("AccessDenied", "AccessDeniedException"):  # who may not look may still use it
                raise

    def set(self, prefix: str, instance: str, deadline: datetime) -> None:
        """Terminate an instance at ``deadline`` (UTC); a second call changes nothing."""
        try:
            self._scheduler.create_schedule(
                Name=f"{prefix}-{instance}",
                ScheduleExpression=f"at({deadline:%Y-%m-%dT%H:%M:%S})",
                ScheduleExpressionTimezone="UTC",
                FlexibleTimeWindow={"Mode": "OFF"},
                ActionAfterCompletion="DELETE",
                Target={
                    "Arn": TARGET,
                    "RoleArn": self._arn,
                    "Input": json.dumps({"InstanceIds": [instance]}),
                },
            )
        except Exception as error:
            if code_of(error) != "ConflictException":
                raise

    def names(self, prefix: str) -> Iterator[str]:
        """Yield the names of the schedules that begin with ``prefix``."""
        for page in self._scheduler.get_paginator("list_schedules").paginate(NamePrefix=prefix):
            for schedule in page["Schedules"]:
                yield str(schedule["Name"])

    def remove(self, name: str) -> None:
        """Delete a schedule, if it still exists."""
        try:
            self._scheduler.delete_schedule(Name=name)
        except Exception as error:
            if code_of(error) != "ResourceNotFoundException":
                raise
