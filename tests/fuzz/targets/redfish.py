"""What a BMC answers by Redfish."""

from __future__ import annotations

import threading
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from orchestrator.hosts.power.redfish import RESET, Redfish
from tests.fuzz import mutation, scratch
from tests.fuzz.target import Target

SYSTEMS = b'{"Members": [{"@odata.id": "/redfish/v1/Systems/1"}], "Members@odata.count": 1}'
SYSTEM = mutation.dump_json(
    {
        "Id": "1",
        "PowerState": "On",
        "Actions": {RESET: {"target": "/reset", "ResetType@Redfish.AllowableValues": ["On", "ForceRestart"]}},
    }
)
KEYS = ("Members", "@odata.id", "Actions", RESET, "target", "PowerState", "ResetType@Redfish.AllowableValues")


class Answers(BaseHTTPRequestHandler):
    """Answers with the input: to any question, or to any but that for the systems."""

    data = b""
    protocol_version = "HTTP/1.0"

    def _answer(self) -> None:
        is_list = self.path.endswith("/Systems")
        text = SYSTEMS if is_list and b'"Actions"' in self.data else self.data
        self.wfile.write(b"HTTP/1.0 200 OK\r\nContent-Type: application/json\r\n\r\n" + text)

    do_GET = do_POST = _answer  # noqa: N815 - names of the base class

    def log_message(self, format: str, *arguments: object) -> None:
        """Say nothing."""


@cache
def _bmc() -> Redfish:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    password = scratch.write("password", b"p\n")
    password.chmod(0o600)
    url = f"http://127.0.0.1:{server.server_port}"
    return Redfish({"url": url, "user": "u", "password_file": str(password)})


def run(data: bytes) -> None:
    Answers.data = data
    _bmc().cycle()


TARGET = Target(
    "redfish",
    run,
    ("orchestrator.hosts.power.redfish",),
    lambda: [SYSTEMS, SYSTEM],
    mutation.json_document(*KEYS),
)
