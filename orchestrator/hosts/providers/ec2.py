"""``ec2``: a machine of Amazon EC2, rented for the run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from orchestrator.hosts.ec2.cloud import Ec2
from orchestrator.hosts.rented.cloud import Cloud
from orchestrator.hosts.rented.provider import COMMON_OPTIONS, RentedProvider

_TEXT = {"type": "string", "minLength": 1}


class Ec2Provider(RentedProvider):
    """Rents a machine of EC2 by boto3, with the credentials that boto3 finds."""

    name = "ec2"
    options_schema: ClassVar[Mapping[str, Any]] = {
        "type": "object",
        "description": "Run on a machine of Amazon EC2 that is rented for the run.",
        "additionalProperties": False,
        "properties": {
            "region": {**_TEXT, "description": "Default: that of the AWS configuration (AWS_REGION)."},
            "types": {
                "type": "array",
                "minItems": 1,
                "items": _TEXT,
                "description": "Instance types, the first choice first. Default: metal types that meet the needs, "
                "the cheapest first.",
            },
            "image": {**_TEXT, "description": "Image (ami-...). Default: the newest of Debian 12."},
            "user": {
                **_TEXT,
                "description": "Who logs in, and may use sudo. Default: admin, as in Debian's images.",
            },
            "subnets": {
                "type": "array",
                "minItems": 1,
                "items": _TEXT,
                "description": "Subnets to try. Default: those of the default VPC.",
            },
            "address": {
                "enum": ["public", "private"],
                "default": "public",
                "description": "The address to connect to; private: from inside the network, or by VPN.",
            },
            "role": {
                **_TEXT,
                "description": "Name or ARN of the role with which EventBridge Scheduler ends the machine. "
                "Default: orchestrate-terminate.",
            },
            "spot": {
                "type": "boolean",
                "default": False,
                "description": "Whether to rent a spot instance: cheaper, and EC2 may interrupt it. Another machine "
                "then runs the rest.",
            },
            **COMMON_OPTIONS,
        },
    }

    @classmethod
    def open(cls, options: Mapping[str, Any]) -> Cloud:
        """See :meth:`RentedProvider.open`."""
        return Ec2(options)
