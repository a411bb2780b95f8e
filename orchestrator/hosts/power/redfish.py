"""``power: {redfish: {url: …, user: …, password_file: …}}``: the machine's BMC, by Redfish (DMTF DSP0266)."""

from __future__ import annotations

import base64
import json
import ssl
import urllib.request
from http.client import HTTPException
from typing import Any, TypeVar
from urllib.error import HTTPError
from urllib.parse import urljoin, urlsplit

import msgspec
from msgspec import Struct, field

from orchestrator.errors import HostError
from orchestrator.hosts.power import Power
from orchestrator.hosts.power.bmc import checked, password_file

LIMIT_S = 30.0
SYSTEMS = "/redfish/v1/Systems"
RESET = "#ComputerSystem.Reset"
HARD = ("PowerCycle", "ForceRestart")
"""Reset types that bypass the operating system, in order of preference."""
LARGEST = 4 << 20
"""Bytes of an answer that are read."""

T = TypeVar("T")


class _Reset(Struct, frozen=True):
    target: str = ""
    supported: tuple[str, ...] = field(default=HARD, name="ResetType@Redfish.AllowableValues")


class _Actions(Struct, frozen=True):
    reset: _Reset = field(default_factory=_Reset, name=RESET)


class _System(Struct, frozen=True):
    actions: _Actions = field(default_factory=_Actions, name="Actions")
    power_state: str | None = field(default=None, name="PowerState")


class _Member(Struct, frozen=True):
    path: str = field(name="@odata.id")


class _Systems(Struct, frozen=True):
    members: tuple[_Member, ...] = field(default=(), name="Members")


_KEYS: dict[str, type | tuple[type, ...]] = {
    "url": str,
    "user": str,
    "password_file": str,
    "system": str,
    "verify": (bool, str),
}


class Redfish(Power):
    """``system``: id of the system if the BMC has several. ``verify``: false, or a file of CA certificates."""

    name = "redfish"

    def __init__(self, value: Any) -> None:
        options = checked(value, _KEYS, required=("url", "user", "password_file"))
        if urlsplit(options["url"]).scheme not in ("http", "https"):
            raise ValueError(f"url: expected https://…, found {options['url']!r}")
        self._url = options["url"]
        self._user = options["user"]
        self._password = password_file(options["password_file"])
        self._system = options.get("system", "")
        self._tls = _tls_context(options.get("verify", True))

    def cycle(self) -> None:
        """Reset the system, or power it on where it is off; ``HostError`` where the BMC does not support it."""
        system = self._get(self._system_path(), _System)
        action = system.actions.reset
        if not action.target:
            raise HostError(f"{self._url}: the system does not support {RESET}")
        preferred = ("On",) if system.power_state == "Off" else HARD
        kind = next((kind for kind in preferred if kind in action.supported), None)
        if kind is None:
            raise HostError(
                f"{self._url}: the system supports no hard reset, only {', '.join(action.supported)}"
            )
        self._request(action.target, {"ResetType": kind})

    def _system_path(self) -> str:
        """Return the path of the system."""
        if self._system:
            return f"{SYSTEMS}/{self._system}"
        members = [member.path for member in self._get(SYSTEMS, _Systems).members]
        if len(members) != 1:
            names = ", ".join(member.rpartition("/")[2] for member in members)
            raise HostError(f"{self._url}: has {len(members)} systems ({names}); select one with `system`")
        return members[0]

    def _get(self, path: str, kind: type[T]) -> T:
        """Return a resource; ``HostError`` if it is none of this kind."""
        try:
            return msgspec.json.decode(self._request(path), type=kind)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            raise HostError(f"{urljoin(self._url, path)}: not a Redfish service") from None

    def _request(self, path: str, content: object = None) -> bytes:
        """GET a resource, or POST ``content`` to it; return the response."""
        password = self._password.read_text(encoding="utf-8").partition("\n")[0]
        secret = base64.b64encode(f"{self._user}:{password}".encode()).decode()
        headers = {"Authorization": f"Basic {secret}", "Accept": "application/json"}
        data = None
        if content is not None:
            headers["Content-Type"] = "application/json"
            data = json.dumps(content).encode()
        url = self._url
        try:
            url = urljoin(self._url, path)
            request = urllib.request.Request(url, data, headers)
            # The address is the user's, and the BMC there has the password that it is sent.
            with urllib.request.urlopen(request, timeout=LIMIT_S, context=self._tls) as response:  # nosec B310
                answer: bytes = response.read(LARGEST)
        except HTTPError as error:
            raise HostError(f"{url}: {error.code} {error.reason}") from error
        except (OSError, HTTPException, ValueError) as error:
            raise HostError(f"{url}: {_reason(error)}") from error
        return answer


def _reason(error: Exception) -> object:
    """Return why a request failed, without the number of an errno."""
    reason = getattr(error, "reason", error)
    return getattr(reason, "strerror", None) or reason


def _tls_context(verify: bool | str) -> ssl.SSLContext:
    """Return the TLS context for ``verify``. Many BMCs have self-signed certificates."""
    if isinstance(verify, str):
        try:
            return ssl.create_default_context(cafile=verify)
        except OSError as error:
            raise ValueError(f"verify: {verify}: {error.strerror or error}") from error
    context = ssl.create_default_context()
    if not verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context
