"""OpenStack by the five verbs of :class:`~orchestrator.hosts.rented.cloud.Cloud`."""

from __future__ import annotations

import base64
import logging
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cached_property
from typing import Any, ClassVar

from msgspec.structs import replace

from orchestrator.errors import BadInput, HostError
from orchestrator.experiment.model import Needs
from orchestrator.hosts.openstack import flavors, leases, network
from orchestrator.hosts.openstack.errors import explained
from orchestrator.hosts.openstack.removal import Removal, wait
from orchestrator.hosts.openstack.resources import Resources, instance_of, metadata_of, name_of
from orchestrator.hosts.openstack.site import Site, configured
from orchestrator.hosts.rented.cloud import Access, Cloud, Instance
from orchestrator.hosts.rented.machine_types import MachineType, shipped
from orchestrator.hosts.rented.own_address import allowed_addresses

log = logging.getLogger(__name__)

BARE_METAL_FLAVOR = "baremetal"
"""The flavor with which Chameleon boots all node types."""

POLL_S = 5.0
TIMER_ONLY = "a timer powers the machine off, but the site keeps it until: orchestrate hosts down --orphans"


class OpenStack(Cloud):
    """One project in one region.

    :param options: the ``hosts.openstack`` section.
    :param poll: seconds between two requests about the same resource; ``site``: where, if not as in ``options``.
    """

    lists_types: ClassVar[bool] = True

    def __init__(self, options: Mapping[str, Any], poll: float = POLL_S, site: Site | None = None) -> None:
        self._options = options
        self._poll = poll
        self._site = site or Site(str(options.get("cloud", "")), str(options.get("region", "")))
        self._addresses: dict[str, str] = {}

    @property
    def location(self) -> str:
        """See :class:`Cloud`."""
        return self._site.name

    @property
    def user(self) -> str:
        """See :class:`Cloud`; ``debian`` in Debian's images."""
        return str(self._options.get("user", "debian"))

    @property
    def end(self) -> str:
        """See :class:`Cloud`."""
        if self._options.get("lease") is False:
            return TIMER_ONLY
        if self._options.get("lease") or self._node_types:
            return "a lease of Blazar"
        return f"a lease of Blazar, if the site has Blazar; else {TIMER_ONLY}"

    def estimate(self, needs: Needs) -> Sequence[MachineType]:
        """See :meth:`Cloud.estimate`: the node types or flavors of the file; the site has the facts of others."""
        names = self._node_types or self._options.get("flavors", ())
        if not self._options.get("image"):
            raise BadInput("hosts.openstack.image is missing: the name or id of an image with cloud-init")
        if self._node_types and self._options.get("lease") is False:
            raise BadInput("hosts.openstack.node_types requires a lease; remove hosts.openstack.lease: false")
        missing = [name for name in names if name not in self._prices]
        if missing and self._prices:
            raise BadInput(f"hosts.openstack.prices: {', '.join(missing)}: no price")
        known = shipped("openstack")
        types = [self._priced(known.get(name, MachineType(name, "x86_64"))) for name in names]
        return flavors.large_enough(types, needs)

    def offered(self, needs: Needs) -> Sequence[MachineType]:
        """See :meth:`Cloud.offered`."""
        if self._node_types:
            return self.estimate(needs)
        wanted = self._options.get("flavors", ())
        with explained(self.location):
            found = flavors.suitable(self._flavors, wanted, needs, shipped("openstack"))
        if not found:
            raise HostError(
                f"{self.location}: no flavor meets hosts.needs; see: openstack flavor list --long"
            )
        return [self._priced(one) for one in found]

    def create(
        self, run: str, machine_type: MachineType, count: int, access: Access, deadline: datetime
    ) -> Sequence[Instance]:
        """See :meth:`Cloud.create`. Each step may have been done by an earlier controller."""
        with explained(self.location):
            live = [one for one in self.find(run) if one.state != "ended"]
            if live:
                return live
            image = self._image()
            where = network.network_of(self._connection, str(self._options.get("network", "")))
            addresses = allowed_addresses(
                str(self._options.get("ssh_from", "")), "hosts.openstack.ssh_from", self._site.host
            )
            list(self._removal.servers(run))
            flavor = self._flavor(machine_type)
            reservation = self._reserve(run, machine_type, flavor, count, deadline)
            network.import_key(self._connection, name_of(run), access.public_key)
            group = network.security_group(self._connection, name_of(run), run, addresses)
            self._connection.compute.create_server(
                name=name_of(run),
                image_id=image,
                key_name=name_of(run),
                user_data=base64.b64encode(access.user_data.encode()).decode("ascii"),
                metadata=metadata_of(run, machine_type.name, deadline),
                security_groups=[{"name": group}],
                networks=[{"uuid": where.id}],
                min_count=count,
                max_count=count,
                **({"availability_zone": zone} if (zone := self._options.get("zone")) else {}),
                **self._placement(flavor, reservation),
            )
            return self._exactly(count, run)

    def find(self, run: str) -> Sequence[Instance]:
        """See :meth:`Cloud.find`."""
        with explained(self.location):
            return [instance_of(one, self._site.region) for one in self._resources.servers(run)]

    def reach(self, instance: Instance) -> str:
        """See :meth:`Cloud.reach`; the first call gives the machine its floating IP."""
        if instance.id not in self._addresses:
            with explained(self.location):
                found = network.address(self._connection, instance.id, self._options)
            self._addresses[instance.id] = found
        return self._addresses[instance.id]

    def destroy(self, run: str) -> Sequence[str]:
        """See :meth:`Cloud.destroy`."""
        with explained(self.location):
            return list(self._removal.everything(run))

    def power_cycle(self, instance: Instance) -> None:
        """See :meth:`Cloud.power_cycle`."""
        with explained(self.location):
            self._connection.compute.reboot_server(instance.id, "HARD")

    def runs(self) -> Sequence[str]:
        """See :meth:`Cloud.runs`."""
        with explained(self.location):
            return self._resources.runs()

    def everywhere(self) -> Sequence[Cloud]:
        """See :meth:`Cloud.everywhere`: all regions of all configured clouds."""
        found: list[Cloud] = []
        for name in configured():
            try:
                with explained(name):
                    regions = Site(name).regions
            except HostError:
                regions = [""]  # asking for its runs fails, too
            found += [OpenStack(self._options, self._poll, Site(name, region)) for region in regions]
        return found

    # --- requests ---

    @property
    def _node_types(self) -> Sequence[str]:
        return tuple(self._options.get("node_types", ()))

    @property
    def _prices(self) -> Mapping[str, float]:
        return dict(self._options.get("prices", {}))

    @property
    def _connection(self) -> Any:
        return self._site.connection

    @cached_property
    def _resources(self) -> Resources:
        return Resources(self._connection, self._site.leases)

    @property
    def _removal(self) -> Removal:
        return Removal(self._connection, self._site.leases, self._resources, self._poll)

    @cached_property
    def _flavors(self) -> list[Any]:
        return list(self._connection.compute.flavors(details=True))

    def _priced(self, one: MachineType) -> MachineType:
        return replace(one, price=self._prices.get(one.name))

    def _image(self) -> str:
        wanted = str(self._options["image"])
        found = self._connection.image.find_image(wanted)
        if found is None:
            raise BadInput(f"hosts.openstack.image: {wanted}: no such image; see: openstack image list")
        return str(found.id)

    def _flavor(self, machine_type: MachineType) -> Any:
        name = machine_type.name
        if self._node_types:
            name = next(iter(self._options.get("flavors", ())), BARE_METAL_FLAVOR)
        found = next((one for one in self._flavors if one.name == name), None)
        if found is None:
            raise BadInput(f"hosts.openstack.flavors: {name}: no such flavor; see: openstack flavor list")
        return found

    def _reserve(
        self, run: str, machine_type: MachineType, flavor: Any, count: int, deadline: datetime
    ) -> str:
        """Return the reservation of a lease until ``deadline``; empty where nothing but the machine's timer ends it."""
        if self._options.get("lease") is False:
            return ""
        required = bool(self._options.get("lease") or self._node_types)
        other = (
            "hosts.openstack.flavors instead of node_types"
            if self._node_types
            else "hosts.openstack.lease: false"
        )
        if self._site.leases is None:
            if required:
                raise HostError(f"{self.location} has no Blazar; use {other}")
            log.warning("%s has no Blazar: %s", self.location, TIMER_ONLY)
            return ""
        list(self._removal.leases(run))
        wanted = leases.reservation_of(machine_type.name if self._node_types else "", flavor.id, count)
        try:
            return leases.reserve(self._site.leases, name_of(run), deadline, wanted, self._poll)
        except leases.Unsupported as error:
            if required:
                raise HostError(f"{self.location}: Blazar: {error}; use {other}") from error
            log.warning("%s: Blazar: %s: %s", self.location, error, TIMER_ONLY)
            return ""

    def _placement(self, flavor: Any, reservation: str) -> Mapping[str, Any]:
        """Return where a server goes: a reserved flavor has the id of its reservation."""
        if not reservation:
            return {"flavor_id": flavor.id}
        if self._node_types:
            return {"flavor_id": flavor.id, "scheduler_hints": {"reservation": reservation}}
        return {"flavor_id": reservation}

    def _exactly(self, count: int, run: str) -> Sequence[Instance]:
        """Return the oldest servers of a run; a request that was delivered twice has made others, which are removed.

        Nova has no client tokens.
        """
        servers = wait(lambda: self._resources.servers(run, at_least=count), 60.0, self._poll)
        if not servers:
            raise HostError(f"{self.location}: the new servers of {run} are in no answer of the API")
        for surplus in servers[count:]:
            self._connection.compute.delete_server(surplus.id)
        return [instance_of(one, self._site.region) for one in servers[:count]]
