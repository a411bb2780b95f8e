"""``power: {redfish: {url: …, user: …, password_file: …}}``: the machine's BMC, by DMTF's Redfish (DSP0266)."""

from __future__ import annotations

import base64
import json
import ssl
import urllib.request
from http.client import HTTPException
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urljoin, urlsplit

from orchestrator.errors import HostError
from orchestrator.hosts.power import Power
from orchestrator.hosts.power.bmc import checked, password_file

LIMIT_S = 30.0
SYSTEMS = "/redfish/v1/Systems"
RESET = "#ComputerSystem.Reset"
HARD = ("PowerCycle", "ForceRestart")
"""Resets that ask no operating system, the one that is most like pulling the plug first."""

_KEYS: dict[str, type | tuple[type, ...]] = {
    "url": str,
    "user": str,
    "password_file": str,
    "system": str,
    "verify": (bool, str),
}


class Redfish(Power):
    """``system``: id of the computer, where the BMC has several. ``verify``: false, or a file of certificates."""

    name = "redfish"

    def __init__(self, value: Any) -> None:
        given = checked(value, _KEYS, required=("url", "user", "password_file"))
        if urlsplit(given["url"]).scheme not in ("http", "https"):
            raise ValueError(f"url: expected https://…; found {given['url']!r}")
        self._url = given["url"]
        self._user = given["user"]
        self._password = password_file(given["password_file"])
        self._system = given.get("system", "")
        self._tls = _trust(given.get("verify", True))

    def cycle(self) -> None:
        """Reset the computer, or switch it on where it is off; ``HostError`` where the BMC does not do that."""
        system = self._ask(self._find())
        action = system.get("Actions", {}).get(RESET, {})
        if "target" not in action:
            raise HostError(f"{self._url}: its system offers no {RESET}")
        possible = action.get("ResetType@Redfish.AllowableValues", HARD)
        wanted = ("On",) if system.get("PowerState") == "Off" else HARD
        kind = next((kind for kind in wanted if kind in possible), None)
        if kind is None:
            raise HostError(f"{self._url}: can be reset by {', '.join(possible)} only")
        self._ask(action["target"], {"ResetType": kind})

    def _find(self) -> str:
        """The path of the computer."""
        if self._system:
            return f"{SYSTEMS}/{self._system}"
        members = [member["@odata.id"] for member in self._ask(SYSTEMS).get("Members", ())]
        if len(members) != 1:
            names = ", ".join(member.rpartition("/")[2] for member in members)
            raise HostError(f"{self._url}: has {len(members)} systems ({names}); name one of them: `system`")
        return str(members[0])

    def _ask(self, path: str, content: object = None) -> dict[str, Any]:
        """Get a resource, or post something to it; the document that comes back."""
        password = self._password.read_text(encoding="utf-8").partition("\n")[0]
        secret = base64.b64encode(f"{self._user}:{password}".encode()).decode()
        headers = {"Authorization": f"Basic {secret}", "Accept": "application/json"}
        data = None
        if content is not None:
            headers["Content-Type"] = "application/json"
            data = json.dumps(content).encode()
        request = urllib.request.Request(urljoin(self._url, path), data, headers)
        try:
            with urllib.request.urlopen(request, timeout=LIMIT_S, context=self._tls) as answer:
                text = answer.read()
            document = json.loads(text) if text.strip() else {}
        except HTTPError as error:
            raise HostError(f"{request.full_url}: {error.code} {error.reason}") from error
        except (OSError, HTTPException, ValueError) as error:
            raise HostError(f"{request.full_url}: {getattr(error, 'reason', error)}") from error
        if not isinstance(document, dict):
            raise HostError(f"{request.full_url}: is no Redfish service")
        return document


def _trust(verify: bool | str) -> ssl.SSLContext:
    """Whose certificates are believed. BMCs often have one that they signed themselves."""
    if isinstance(verify, str):
        try:
            return ssl.create_default_context(cafile=verify)
        except OSError as error:
            raise ValueError(f"verify: {verify}: {error}") from error
    context = ssl.create_default_context()
    if not verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context
