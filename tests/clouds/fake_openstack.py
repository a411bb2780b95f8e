"""A small OpenStack over HTTP: keystone, glance, nova, neutron and blazar; its servers answer by SSH. With faults."""

from __future__ import annotations

import base64
import contextlib
import json
import re
import socket
import threading
import time
import urllib.parse
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from tests.clouds.ssh_machines import SshMachine

REGION = "here"
IMAGE = "debian-12"
PASSWORD = "secret-of-the-project"
NO_HOST = "No valid host was found. There are not enough hosts available."
FLAVORS: dict[str, dict[str, Any]] = {
    "m1.small": {"vcpus": 1, "ram": 2048, "specs": {}},
    "numa.large": {"vcpus": 64, "ram": 1 << 18, "specs": {"hw:numa_nodes": "2"}},
    "baremetal": {"vcpus": 1, "ram": 1, "specs": {"resources:CUSTOM_BAREMETAL": "1"}},
    "metal.big": {"vcpus": 96, "ram": 1 << 18, "specs": {"resources:CUSTOM_BIG": "1", "resources:VCPU": "0"}},
}
Answer = tuple[int, dict[str, Any]]


class Refused(Exception):
    """A request is refused: status and message."""


@dataclass
class FakeOpenStack:
    """The services at ``url``.

    :ivar has_blazar: whether the catalogue has a reservation service; ``reservable``: the kinds that it knows.
    :ivar actions: every request, in order, without ids: ``POST compute/servers``.
    :ivar refuse: statuses and messages by action, one for each time that it is refused.
    :ivar twice: actions that are delivered twice; the client sees the second answer. ``delays``: seconds by action.
    :ivar full: flavors for which there is no host.
    :ivar before, after: called with each action before it is carried out, and after that.
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
    before: Callable[[str], None] = lambda action: None
    after: Callable[[str], None] = lambda action: None
    bodies: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    machines: dict[str, SshMachine] = field(default_factory=dict)
    things: dict[str, dict[str, dict[str, Any]]] = field(default_factory=dict)
    lock: threading.RLock = field(default_factory=threading.RLock)

    def __post_init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Undo the faults of a test."""
        self.has_blazar, self.reservable = True, ("physical:host", "flavor:instance")
        for kept in (self.actions, self.refuse, self.twice, self.delays, self.full, self.bodies):
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
                    return 200, self._versions(service)
                return getattr(self, f"_{service}")(method, words, query, body)  # type: ignore[no-any-return]
            except Refused as refused:
                return _error(service, *refused.args)
            except KeyError as error:
                return _error(service, 404, f"{error} could not be found.")

    def _versions(self, service: str) -> dict[str, Any]:
        name = {"identity": "v3", "compute": "v2.1", "image": "v2", "network": "v2.0"}[service]
        links = [{"rel": "self", "href": f"{self.url}/{service}/{name}/"}]
        version = {"id": name, "status": "CURRENT", "links": links}
        if service == "compute":
            version |= {"version": "2.96", "min_version": "2.1"}
        return {"version": version} if service in ("identity", "compute") else {"versions": [version]}

    def _identity(self, method: str, words: list[str], query: dict[str, str], body: dict[str, Any]) -> Answer:
        identity = body["auth"]["identity"]
        shown = (
            identity.get("application_credential", {}).get("secret")
            or identity["password"]["user"]["password"]
        )
        if shown != PASSWORD:
            raise Refused(401, "The request you have made requires authentication.")
        paths = {"compute": "compute/v2.1", "image": "image", "network": "network"}
        if self.has_blazar:
            paths["reservation"] = "reservation/v1"
        catalog = [
            {
                "type": kind,
                "name": kind,
                "id": kind,
                "endpoints": [
                    {"id": kind, "interface": "public", "region": REGION, "region_id": REGION,
                     "url": f"{self.url}/{path}"}
                ],
            }
            for kind, path in paths.items()
        ]  # fmt: skip
        token = {
            "methods": ["password"],
            "user": {"id": "me", "name": "me", "domain": {"id": "default", "name": "Default"}},
            "project": {"id": "numa", "name": "numa", "domain": {"id": "default", "name": "Default"}},
            "issued_at": "2026-01-01T00:00:00.000000Z",
            "expires_at": "2099-01-01T00:00:00.000000Z",
            "roles": [{"id": "member", "name": "member"}],
            "catalog": catalog,
        }
        return 201, {"token": token}

    def _image(self, method: str, words: list[str], query: dict[str, str], body: dict[str, Any]) -> Answer:
        image = {"id": "5" * 8, "name": IMAGE, "status": "active"}
        if len(words) == 1:
            return 200, {"images": [image] if query.get("name") == IMAGE else []}
        return 200, {image["id"]: image}[words[1]]

    def _compute(self, method: str, words: list[str], query: dict[str, str], body: dict[str, Any]) -> Answer:
        match method, words:
            case "GET", ["flavors", "detail"]:
                return 200, {
                    "flavors": [
                        {"id": f"id-{name}", "name": name, "disk": 20, "vcpus": one["vcpus"], "ram": one["ram"],
                         "extra_specs": one["specs"]}
                        for name, one in FLAVORS.items()
                    ]
                }  # fmt: skip
            case "GET", ["servers", "detail"]:
                for server in self.kind("servers").values():
                    server["status"] = {"BUILD": "ACTIVE"}.get(server["status"], server["status"])
                found = [s for s in self.kind("servers").values() if re.search(query["name"], s["name"])]
                return 200, {"servers": found}
            case "GET", ["servers", server]:
                return 200, {"server": self.kind("servers")[server]}
            case "POST", ["servers"]:
                return 202, {"server": self._create_server(body)}
            case "DELETE", ["servers", server]:
                self.kind("servers")[server]  # 404 if there is none
                self.remove_server(server)
                return 204, {}
            case "GET", ["os-keypairs"]:
                return 200, {"keypairs": [{"keypair": one} for one in self.kind("keys").values()]}
            case "POST", ["os-keypairs"]:
                key = body["keypair"]
                if key["name"] in self.kind("keys"):
                    raise Refused(409, f"Key pair '{key['name']}' already exists.")
                self.kind("keys")[key["name"]] = key
                return 201, {"keypair": key}
            case "DELETE", ["os-keypairs", name]:
                del self.kind("keys")[name]
                return 204, {}
        raise KeyError("/".join(words))

    def _create_server(self, body: dict[str, Any]) -> dict[str, Any]:
        wanted, hints = body["server"], body.get("OS-SCH-HNT:scheduler_hints", {})
        reservations = {
            lease["reservations"][0]["id"]: lease["reservations"][0]
            for lease in self.kind("leases").values()
            if lease["status"] == "ACTIVE"
        }
        flavor = wanted["flavorRef"].removeprefix("id-")
        reservation = hints.get("reservation") or flavor
        if flavor not in FLAVORS and flavor not in reservations:
            raise Refused(400, f"Flavor {flavor} could not be found.")
        for group in wanted["security_groups"]:
            self.kind("groups")[group["name"]]
        key = self.kind("keys")[wanted["key_name"]]["public_key"]
        reserved = reservations.get(reservation, {})
        name = reserved.get("flavor_id", "").removeprefix("id-") or flavor
        server = uuid.uuid4().hex
        fails = name in self.full or (flavor == "baremetal" and not reserved)
        self.kind("servers")[server] = {
            "id": server,
            "name": wanted["name"],
            "status": "ERROR" if fails else "BUILD",
            "fault": {"code": 500, "message": NO_HOST} if fails else None,
            "metadata": wanted["metadata"],
            "created": f"2026-01-01T00:00:{len(self.kind('servers')):02}Z",
            "addresses": {"private": [{"addr": "192.0.2.9", "version": 4, "OS-EXT-IPS:type": "fixed"}]},
            "reservation": reservation,
        }
        if not fails:
            user_data = base64.b64decode(wanted["user_data"]).decode()
            self.machines[server] = SshMachine(self.folder / server, user_data, key)
            _wait_until_up(self.machines[server])
        port = {
            "id": f"port-{server}",
            "device_id": server,
            "groups": [g["name"] for g in wanted["security_groups"]],
        }
        self.kind("ports")[port["id"]] = port
        return {"id": server, "links": []}

    def _network(self, method: str, words: list[str], query: dict[str, str], body: dict[str, Any]) -> Answer:
        kind = {"security-groups": "groups", "security-group-rules": "rules"}.get(words[0], words[0])
        single = words[0].removesuffix("s").replace("-", "_")
        plural = words[0].replace("-", "_")
        if kind == "networks":
            networks = {"private": False, "public": True}
            return 200, {
                "networks": [{"id": f"n-{n}", "name": n, "router:external": e} for n, e in networks.items()]
            }
        things = self.kind(kind)
        if method == "GET":
            found = [
                one
                for one in things.values()
                if all(str(one.get(key)) == value for key, value in query.items() if key in one)
            ]
            return 200, {plural: found}
        if method == "DELETE":
            one = things[words[1]]
            if kind == "groups":
                if any(one["id"] in port["groups"] for port in self.kind("ports").values()):
                    raise Refused(409, f"Security Group {one['id']} in use.")
                for rule in [r for r in self.kind("rules").values() if r["security_group_id"] == one["id"]]:
                    del self.kind("rules")[rule["id"]]
            del things[words[1]]
            return 204, {}
        wanted = body[single] | {"id": uuid.uuid4().hex}
        if kind == "rules" and any(
            r["security_group_id"] == wanted["security_group_id"] for r in things.values()
        ):
            raise Refused(409, "Security group rule already exists.")
        if kind == "floatingips":
            port = self.kind("ports")[wanted["port_id"]]
            if any(ip["port_id"] == port["id"] for ip in things.values()):
                raise Refused(409, "Cannot associate floating IP with port, as it already has a floating IP.")
            wanted["floating_ip_address"] = self.machines[port["device_id"]].address
        things[wanted["id"]] = wanted
        return 201, {single: wanted}

    def _reservation(
        self, method: str, words: list[str], query: dict[str, str], body: dict[str, Any]
    ) -> Answer:
        leases = self.kind("leases")
        match method, words:
            case "GET", ["leases"]:
                return 200, {"leases": list(leases.values())}
            case "DELETE", ["leases", lease]:
                reservation = leases.pop(lease)["reservations"][0]["id"]
                for server in [s for s in self.kind("servers").values() if s["reservation"] == reservation]:
                    self.remove_server(server["id"])
                return 200, {}
            case "POST", ["leases"]:
                reservation = body["reservations"][0]
                if reservation["resource_type"] not in self.reservable:
                    raise Refused(500, f"The {reservation['resource_type']} resource type is not supported")
                if any(one["name"] == body["name"] for one in leases.values()):
                    raise Refused(409, f"The lease with name: {body['name']} already exists")
                lease = body | {
                    "id": uuid.uuid4().hex,
                    "status": "ACTIVE",
                    "reservations": [reservation | {"id": uuid.uuid4().hex}],
                }
                leases[lease["id"]] = lease
                return 201, {"lease": lease}
        raise KeyError("/".join(words))


def _wait_until_up(machine: SshMachine) -> None:
    """The first connection of a client would else come too early, and the second one seconds later."""
    for _ in range(300):
        with contextlib.suppress(OSError), socket.create_connection((machine.address, 22), timeout=1):
            return
        time.sleep(0.01)


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
