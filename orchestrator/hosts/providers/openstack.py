"""``openstack``: a machine of an OpenStack site, rented for the run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from orchestrator.hosts.openstack.cloud import OpenStack
from orchestrator.hosts.rented.cloud import Cloud
from orchestrator.hosts.rented.provider import COMMON_OPTIONS, RentedProvider

_TEXT = {"type": "string", "minLength": 1}
_LIST = {"type": "array", "minItems": 1, "items": _TEXT}


class OpenStackProvider(RentedProvider):
    """Rents a server of an OpenStack site by openstacksdk, with the credentials that openstacksdk finds."""

    name = "openstack"
    options_schema: ClassVar[Mapping[str, Any]] = {
        "type": "object",
        "description": "Run on a machine of an OpenStack site that is rented for the run.",
        "additionalProperties": False,
        "required": ["image"],
        "properties": {
            "cloud": {
                **_TEXT,
                "description": "Name in clouds.yaml. Default: OS_CLOUD, or the OS_... variables.",
            },
            "region": {**_TEXT, "description": "Region. Default: that of the configuration."},
            "image": {**_TEXT, "description": "Name or id of an image with cloud-init and systemd."},
            "user": {
                **_TEXT,
                "description": "Who logs in, and may use sudo. Default: debian, as in Debian's images.",
            },
            "flavors": {
                **_LIST,
                "description": "Flavors, the first choice first. Default: those that meet the needs, bare metal first.",
            },
            "node_types": {
                **_LIST,
                "description": "Node types to reserve by Blazar, as on Chameleon, the first choice first. They are "
                "booted with the flavor baremetal, or the first one of flavors.",
            },
            "network": {**_TEXT, "description": "Name or id. Default: the only network of the project."},
            "address": {
                "enum": ["floating", "fixed"],
                "description": "The address to connect to. Default: a floating IP, unless the network is external or "
                "the site has no external network.",
            },
            "floating_network": {
                **_TEXT,
                "description": "External network of the floating IP. Default: the first one.",
            },
            "zone": {**_TEXT, "description": "Availability zone. Default: any."},
            "lease": {
                "type": "boolean",
                "description": "Whether a lease of Blazar ends the machine. Default: yes, if the site has Blazar.",
            },
            "prices": {
                "type": "object",
                "additionalProperties": {"type": "number", "exclusiveMinimum": 0},
                "description": "Prices in USD per hour by flavor or node type. Without one limits.max_cost is refused.",
            },
            **COMMON_OPTIONS,
        },
    }

    @classmethod
    def open(cls, options: Mapping[str, Any]) -> Cloud:
        """See :meth:`RentedProvider.open`."""
        return OpenStack(options)
