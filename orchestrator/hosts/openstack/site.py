"""A connection to one project and region of an OpenStack site, with the credentials that openstacksdk finds."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from functools import cached_property
from typing import Any
from urllib.parse import urlsplit

from orchestrator.errors import BadInput
from orchestrator.extras import installation
from orchestrator.hosts.openstack import clouds_yaml
from orchestrator.hosts.openstack.errors import explained, message_of
from orchestrator.hosts.rented.cloud import NotConfigured

RETRIES = {"connect_retries": 3, "status_code_retries": 3, "api_timeout": 60}
"""A lost connection and 503 do not end a run. Each request may be sent twice; see ``OpenStack.create``."""


class Site:
    """One project in one region.

    :param cloud: name in ``clouds.yaml``; empty: ``OS_CLOUD``, or the ``OS_...`` variables.
    :param region: empty: that of the configuration.
    """

    def __init__(self, cloud: str = "", region: str = "") -> None:
        self._cloud = cloud
        self._region = region

    @cached_property
    def config(self) -> Any:
        """The configuration as openstacksdk reads it; contacts nobody."""
        library = _library()
        from openstack.exceptions import ConfigException

        with explained("OpenStack"):
            found = _configuration(library)
            try:
                one = found.get_one(self._cloud or None, region_name=self._region or None, **RETRIES)
            except ConfigException as error:
                if not (self._cloud or self._region):
                    raise
                raise BadInput(f"hosts.openstack: {message_of(error)}; see clouds.yaml") from error
        url = str(one.config.get("auth", {}).get("auth_url", ""))
        if url and not _is_url(url):
            raise BadInput(
                f"auth_url: {url!r} is no http or https address; correct clouds.yaml or OS_AUTH_URL"
            )
        return one

    @property
    def name(self) -> str:
        """The host of the API and the region, for messages."""
        auth = self.config.config.get("auth", {})
        host = urlsplit(str(auth.get("auth_url", ""))).hostname or str(self.config.name)
        return f"{host} {self.region}".strip()

    @property
    def host(self) -> str:
        """The host of the API; empty if the configuration has none."""
        return urlsplit(str(self.config.config.get("auth", {}).get("auth_url", ""))).hostname or ""

    @property
    def region(self) -> str:
        """The region; empty for the only one of the site."""
        return str(self.config.region_name or "")

    @cached_property
    def connection(self) -> Any:
        """The connection of openstacksdk."""
        return _library().connection.Connection(config=self.config, app_name="orchestrate")

    @cached_property
    def leases(self) -> Any:
        """The leases of Blazar; None if the site's catalogue has no reservation service."""
        from blazarclient.client import Client
        from keystoneauth1.exceptions import EndpointNotFound

        where = {
            "service_type": "reservation",
            "region_name": self.region or None,
            "interface": self.config.get_interface("reservation"),
        }
        try:
            self.connection.session.get_endpoint(**where)
        except EndpointNotFound:
            return None
        retries = {name: number for name, number in RETRIES.items() if name != "api_timeout"}
        return Client(session=self.connection.session, **where, **retries).lease

    @property
    def regions(self) -> Sequence[str]:
        """The regions in which the catalogue has a compute service."""
        session = self.connection.session
        catalog = session.auth.get_access(session).service_catalog
        endpoints = catalog.get_endpoints(
            service_type="compute", interface=self.config.get_interface("compute")
        )
        return sorted({str(one["region_id"]) for found in endpoints.values() for one in found})


def configured() -> list[str]:
    """Return the names of all configured clouds; ``NotConfigured`` if there is none."""
    library = _library()
    with explained("OpenStack"):
        names = [str(name) for name in _configuration(library).get_cloud_names() if name != "defaults"]
    if not names:
        raise NotConfigured("no OpenStack credentials: no clouds.yaml and no OS_... variables")
    return names


def _configuration(library: Any) -> Any:
    from openstack.config import loader

    clouds_yaml.check(loader.CONFIG_FILES)
    return library.config.OpenStackConfig()


def _is_url(text: str) -> bool:
    try:
        url = urlsplit(text)
    except ValueError:
        return False
    return url.scheme in ("http", "https") and bool(url.hostname)


def _library() -> Any:
    try:
        import blazarclient  # noqa: F401
        import openstack
        import openstack.config
        import openstack.connection
    except ImportError:
        raise NotConfigured(
            "the openstack provider requires openstacksdk and python-blazarclient; "
            f"install them with: {installation('openstack')}"
        ) from None
    logging.getLogger("keystoneauth").setLevel(
        logging.ERROR
    )  # the error that follows says more than its warnings
    return openstack
