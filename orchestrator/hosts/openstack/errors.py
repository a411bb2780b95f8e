"""Errors of openstacksdk, keystoneauth and blazarclient as one line with the next step."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from orchestrator.errors import BadInput, HostError, OrchestratorError
from orchestrator.hosts.rented.cloud import NoCapacity, NotConfigured

NO_CAPACITY = re.compile(
    "no valid host|not enough|exhausted all hosts|max_retries|maximum number of retries", re.I
)
"""In the fault of a server, and in Blazar's answers. Nova has no code for it: a fault has 500."""


def status_of(error: BaseException | None) -> int:
    """Return the HTTP status of an error; 0 for other errors."""
    status: Any = getattr(error, "status_code", None) or getattr(error, "http_status", None)
    if status is None:
        status = getattr(error, "kwargs", {}).get("code", 0)  # blazarclient's
    return int(status)


@contextmanager
def explained(site: str) -> Iterator[None]:
    """Raise errors of the libraries as errors of this program."""
    from blazarclient.exception import BlazarClientException
    from keystoneauth1.exceptions import ClientException
    from openstack.exceptions import SDKException

    try:
        yield
    except (BlazarClientException, ClientException, SDKException) as error:
        raise _explain(error, site) from error
    except OSError as error:  # of requests, which does not find a certificate, or of its JSON decoder
        raise HostError(
            f"cannot use {site}: {message_of(error)}; check clouds.yaml and the OS_... variables"
        ) from error
    except Exception as error:
        if type(error) is not Exception:
            raise
        raise NotConfigured(  # keystoneauth has no class for it
            f"no OpenStack credentials: {message_of(error)}; set it in clouds.yaml, "
            "or source the openrc file of the site"
        ) from error


def _explain(error: Exception, site: str) -> OrchestratorError:
    from keystoneauth1 import exceptions as keystone
    from openstack import exceptions as sdk

    message, status = message_of(error), status_of(error)
    if isinstance(error, sdk.ServiceDisabledException):
        return HostError(f"{site}: {message}; check the region (hosts.openstack.region, OS_REGION_NAME)")
    if isinstance(error, keystone.InvalidResponse | sdk.InvalidResponse):
        return HostError(
            f"{site} does not answer as OpenStack does: {message}; check auth_url, and the proxy if there is one"
        )
    if isinstance(error, sdk.ConfigException | keystone.OptionError | keystone.NoMatchingPlugin):
        return NotConfigured(
            f"no OpenStack credentials: {message}; set OS_CLOUD to a cloud of clouds.yaml, "
            "or source the openrc file of the site"
        )
    if isinstance(error, keystone.ConnectionError | keystone.DiscoveryFailure):
        return HostError(f"cannot reach {site}: {message}")
    if isinstance(error, keystone.EndpointNotFound | sdk.EndpointNotFound):
        return HostError(f"{site}: {message}; check the region (hosts.openstack.region)")
    if "quota" in message.lower() or status == 413:
        return NoCapacity(f"quota reached: {message}; free something, or ask the site for more")
    if NO_CAPACITY.search(message):
        return NoCapacity(f"no capacity: {message}")
    if isinstance(error, sdk.DuplicateResource):
        return BadInput(f"{site}: {message}; give its id in hosts.openstack")
    request = _request_of(error)
    if status == 401:
        return HostError(
            f"{site} does not accept the credentials, or they have expired: {message}; "
            "see: openstack token issue"
        )
    if status == 403:
        return HostError(
            f"{site} does not permit {request}: {message}; ask for the role member in the project"
        )
    if status == 503:
        return HostError(f"{site}: {request}: service unavailable: {message}; try again later")
    return HostError(f"{site}: {request}: {status or type(error).__name__}: {message}")


def message_of(error: BaseException) -> str:
    """Return what an API said, in one line."""
    text = getattr(error, "details", None) or str(error)
    return re.sub(r"\s+", " ", str(text)).strip().rstrip(".").removeprefix("ERROR: ")


def _request_of(error: BaseException) -> str:
    """Return method and path of a request, without the query."""
    method, url = getattr(error, "method", None), getattr(error, "url", None)
    if not (method and url):
        return "request"
    return f"{method} {re.sub(r'^[a-z]+://[^/]*|[?].*', '', url)}"
