"""Who can reach a server: its key pair, its security group, its network and its floating IP."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from orchestrator.errors import BadInput, HostError
from orchestrator.hosts.openstack.errors import status_of
from orchestrator.hosts.openstack.resources import TAG, description_of


def network_of(connection: Any, wanted: str) -> Any:
    """Return the network of the file (name or id), else the only one of the project."""
    if wanted:
        found = [one for one in connection.network.networks() if wanted in (one.id, one.name)]
    else:
        every = list(connection.network.networks())
        found = [one for one in every if not one.is_router_external] or every
    names = ", ".join(one.name for one in found)
    if not found:
        raise BadInput(f"hosts.openstack.network: {wanted or 'the project has no network'}: no such network")
    if len(found) > 1:
        raise BadInput(
            f"hosts.openstack.network: there are several networks ({names}); name one, or give its id"
        )
    return found[0]


def import_key(connection: Any, name: str, public_key: str) -> None:
    """Import the run's public key; one of an earlier attempt is replaced."""
    connection.compute.delete_keypair(name)
    try:
        connection.compute.create_keypair(name=name, public_key=public_key)
    except Exception as error:
        if status_of(error) != 409:  # delivered twice
            raise


def security_group(connection: Any, name: str, run: str, addresses: str) -> str:
    """Return the id of the run's security group, which lets in SSH from ``addresses`` only."""
    description = description_of(run)
    found = [one for one in connection.network.security_groups(name=name) if one.description == description]
    group = (
        found[0] if found else connection.network.create_security_group(name=name, description=description)
    )
    try:
        connection.network.create_security_group_rule(
            security_group_id=group.id,
            direction="ingress",
            ether_type="IPv6" if ":" in addresses else "IPv4",
            protocol="tcp",
            port_range_min=22,
            port_range_max=22,
            remote_ip_prefix=addresses,
        )
    except Exception as error:
        if status_of(error) != 409 or "quota" in str(error).lower():  # the rule exists
            raise
    return str(group.id)


def address(connection: Any, server_id: str, options: Mapping[str, Any]) -> str:
    """Return the address of a server for SSH; give it a floating IP where its own cannot be reached from outside."""
    server = connection.compute.get_server(server_id)
    pool = _floating_network(connection, server, options)
    if pool is None:
        entries = [one for entries in (server.addresses or {}).values() for one in entries]
        entries.sort(key=lambda one: one["version"])
        if not entries:
            raise HostError(f"{server.name} has no address")
        return str(entries[0]["addr"])
    port = next(iter(connection.network.ports(device_id=server_id)), None)
    if port is None:
        raise HostError(f"{server.name} has no port")
    try:
        found = connection.network.create_ip(
            floating_network_id=pool.id, port_id=port.id, description=description_of(server.metadata[TAG])
        )
    except Exception as error:
        found = next(iter(connection.network.ips(port_id=port.id)), None)
        if status_of(error) != 409 or found is None:  # the port has one
            raise
    return str(found.floating_ip_address)


def _floating_network(connection: Any, server: Any, options: Mapping[str, Any]) -> Any:
    """Return the network to take a floating IP from; None where the server's own address is used.

    By default a server gets one, unless its network is an external one or the site has no external network.
    """
    if options.get("address") == "fixed":
        return None
    wanted = options.get("floating_network", "")
    external = [one for one in connection.network.networks() if one.is_router_external]
    if wanted:
        external = [one for one in external if wanted in (one.id, one.name)]
    if not external:
        if wanted or options.get("address") == "floating":
            name = wanted or "the site has none"
            raise BadInput(f"hosts.openstack.floating_network: no such external network: {name}")
        return None
    own = set(server.addresses or {})
    if options.get("address") != "floating" and own & {one.name for one in external}:
        return None
    return external[0]
