"""Which addresses may connect to a rented machine: those of the file, else this controller's."""

from __future__ import annotations

import ipaddress
import socket
import urllib.request
from contextlib import suppress

from orchestrator.errors import BadInput, HostError

OWN_ADDRESS = "https://checkip.amazonaws.com"
"""Answers with the address that a request comes from."""


def allowed_addresses(text: str, option: str, site: str = "") -> str:
    """Return the addresses (CIDR) that may connect by SSH: ``text``, or this controller's.

    :param option: the key of the file that has ``text``.
    :param site: a host of the cloud's API. If it has a private address, the cloud sees this controller's address in the
        same network; else its public one.
    """
    if text:
        try:
            return str(ipaddress.ip_network(text))
        except ValueError as error:
            raise BadInput(f"{option}: {error}") from None
    if site and (local := _address_towards(site)):
        return str(ipaddress.ip_network(local))
    try:
        with urllib.request.urlopen(OWN_ADDRESS, timeout=10) as answer:  # nosec B310 # a constant
            return str(ipaddress.ip_network(answer.read().decode("ascii").strip()))
    except (OSError, ValueError) as error:
        reason = getattr(error, "reason", error)  # of a URLError, whose own text has brackets around it
        raise HostError(
            f"cannot find this machine's public address at {OWN_ADDRESS}: {reason}; set {option}"
        ) from None


def _address_towards(site: str) -> str:
    """Return the address from which this controller contacts a host of a private network; empty for other hosts."""
    with suppress(OSError):
        family, _, _, _, address = socket.getaddrinfo(site, 22, type=socket.SOCK_DGRAM)[0]
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.connect(address)  # chooses a route and sends nothing
            local = str(probe.getsockname()[0])
        if ipaddress.ip_address(address[0]).is_private or ipaddress.ip_address(local).is_global:
            return local
    return ""
