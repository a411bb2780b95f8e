"""A small OpenStack over HTTP with faults; its servers answer by SSH."""

from __future__ import annotations

import json
import re
import threading
import time
import urllib.parse
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from tests.clouds.openstack_services import PASSWORD, REGION, SERVICES, Answer, Refused, versions
from tests.clouds.ssh_machines import SshMachine


@dataclass
class FakeOpenStack:
    """The services at ``url``.

    :ivar has_blazar: whether the catalogue has a reservation service; ``reservable``: the kinds that it knows.
    :ivar actions: every request, in order, without ids: ``POST compute/servers``.
    :ivar refuse: statuses and messages by action, one for each time that it is refused.
    :ivar twice: actions that are delivered twice; the client sees the second answer. ``delays``: seconds by action.
    :ivar full: flavors for which there is no host; ``room``: the number of hosts by flavor, of others there are enough.
    :ivar before, after: called with each action before it is carried out, and after that.
    :ivar current: the action that is being carried out. ``rented``: every server there ever was.
    """

    folder: Path
    url: str = ""
    has_blazar: bool = True
    reservable: tuple[str, ...] = ("physical:host", "flavor:instance")
    actions: list[str] = field(default_factory=list)
    refuse: dict[str, list[tuple[int, str]]] = field(default_factory=dict)
    twice: set[str] = field(default_factory=set)
    delays: dict[str, float] = field(default_factory=dict)
    full: set[str] = field(default_factory=set)
    room: dict[str, int] = field(default_factory=dict)
    before: Callable[[str], None] = lambda action: None
    after: Callable[[str], None] = lambda action: None
    bodies: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    machines: dict[str, SshMachine] = field(default_factory=dict)
    things: dict[str, dict[str, dict[str, Any]]] = field(default_factory=dict)
    current: str = ""
    rented: list[str] = field(default_factory=list)
    lock: threading.RLock = field(default_factory=threading.RLock)

    def __post_init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Undo the faults of a test."""
        self.has_blazar, self.reservable = True, ("physical:host", "flavor:instance")
        for kept in (
            self.actions,
            self.refuse,
            self.twice,
            self.delays,
            self.full,
            self.room,
            self.bodies,
            self.rented,
        ):
            kept.clear()
        self.before = self.after = lambda action: None

    @property
    def environment(self) -> dict[str, str]:
        """Environment of a controller that uses this site."""
        return {
            "OS_AUTH_URL": f"{self.url}/identity/v3",
            "OS_USERNAME": "me",
            "OS_PASSWORD": PASSWORD,
            "OS_PROJECT_NAME": "numa",
            "OS_USER_DOMAIN_NAME": "Default",
            "OS_PROJECT_DOMAIN_NAME": "Default",
            "OS_REGION_NAME": REGION,
        }

    def left(self) -> dict[str, list[str]]:
        """Every resource that a run could leave behind, by kind; empty if there is none."""
        return {kind: list(found) for kind, found in self.things.items() if found}

    def lose(self) -> None:
        """Let the call that has begun not reach the API: its caller is gone."""
        self.refuse[self.current] = [(500, "lost")]

    def end_leases(self) -> None:
        """Let the time of all leases be over: Blazar removes their servers."""
        with self.lock:
            for lease in self.kind("leases").values():
                lease["status"] = "TERMINATED"
                for server in list(self.kind("servers").values()):
                    if server["reservation"] == lease["reservations"][0]["id"]:
                        self.remove_server(server["id"])

    def kind(self, name: str) -> dict[str, dict[str, Any]]:
        return self.things.setdefault(name, {})

    def remove_server(self, server: str) -> None:
        del self.kind("servers")[server]
        for port in [one for one in self.kind("ports").values() if one["device_id"] == server]:
            del self.kind("ports")[port["id"]]
            for ip in self.kind("floatingips").values():
                if ip["port_id"] == port["id"]:
                    ip["port_id"] = None
        if machine := self.machines.pop(server, None):
            machine.stop()

    # --- requests ---

    def answer(self, method: str, path: str, query: dict[str, str], body: dict[str, Any]) -> Answer:
        """Carry out a request."""
        service, _, rest = path.strip("/").partition("/")
        words = [word for word in rest.split("/") if word and not re.fullmatch(r"v\d[\d.]*", word)]
        action = f"{method} {service}/{'/'.join('*' if _is_id(word) else word for word in words)}"
        self.current = action
        self.before(action)
        self.actions.append(action)
        self.bodies.append((action, body))
        time.sleep(self.delays.get(action, 0))
        if faults := self.refuse.get(action):
            status, message = faults.pop(0)
            result = _error(service, status, message)
        else:
            for _ in range(2 if action in self.twice else 1):
                result = self._carry_out(service, method, words, query, body)
        self.after(action)
        return result

    def _carry_out(
        self, service: str, method: str, words: list[str], query: dict[str, str], body: dict[str, Any]
    ) -> Answer:
        with self.lock:
            try:
                if not words:
                    return 200, versions(self, service)
                return SERVICES[service](self, method, words, query, body)
            except Refused as refused:
                return _error(service, *refused.args)
            except KeyError as error:
                return _error(service, 404, f"{error} could not be found.")


def _is_id(word: str) -> bool:
    return bool(re.fullmatch(r"[0-9a-f]{32}|orchestrate-.*|\d+|[nw]-.*", word))


def _error(service: str, status: int, message: str) -> Answer:
    if service == "network":
        return status, {"NeutronError": {"type": "Error", "message": message, "detail": ""}}
    if service == "reservation":
        return status, {"error_code": status, "error_name": "error", "error_message": message}
    return status, {"error": {"code": status, "message": message, "title": "error"}}


@contextmanager
def serve(folder: Path) -> Iterator[FakeOpenStack]:
    """Run the services."""
    folder.mkdir()
    fake = FakeOpenStack(folder)
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(fake))
    fake.url = f"http://127.0.0.1:{server.server_address[1]}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield fake
    finally:
        for machine in fake.machines.values():
            machine.stop()
        server.shutdown()
        server.server_close()


def _handler(fake: FakeOpenStack) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1  # one packet for each answer

        def handle_request(self) -> None:
            raw = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            url = urllib.parse.urlsplit(self.path)
            query = dict(urllib.parse.parse_qsl(url.query))
            status, answer = fake.answer(self.command, url.path, query, json.loads(raw) if raw else {})
            text = b"" if status == 204 else json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("X-Subject-Token", "token")
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, *arguments: object) -> None:
            """Print nothing."""

    for method in ("GET", "POST", "PUT", "DELETE"):
        setattr(Handler, f"do_{method}", Handler.handle_request)
    return Handler
