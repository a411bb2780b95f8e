"""The services of a small OpenStack: keystone, glance, nova, neutron and blazar, as far as a run needs them."""

from __future__ import annotations

import base64
import contextlib
import re
import socket
import time
import uuid
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from tests.clouds.ssh_machines import SshMachine

if TYPE_CHECKING:
    from tests.clouds.fake_openstack import FakeOpenStack

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


def versions(fake: FakeOpenStack, service: str) -> dict[str, Any]:
    name = {"identity": "v3", "compute": "v2.1", "image": "v2", "network": "v2.0"}[service]
    links = [{"rel": "self", "href": f"{fake.url}/{service}/{name}/"}]
    version = {"id": name, "status": "CURRENT", "links": links}
    if service == "compute":
        version |= {"version": "2.96", "min_version": "2.1"}
    return {"version": version} if service in ("identity", "compute") else {"versions": [version]}


def identity(
    fake: FakeOpenStack, method: str, words: list[str], query: dict[str, str], body: dict[str, Any]
) -> Answer:
    identity = body["auth"]["identity"]
    shown = (
        identity.get("application_credential", {}).get("secret") or identity["password"]["user"]["password"]
    )
    if shown != PASSWORD:
        raise Refused(401, "The request you have made requires authentication.")
    paths = {"compute": "compute/v2.1", "image": "image", "network": "network"}
    if fake.has_blazar:
        paths["reservation"] = "reservation/v1"
    catalog = [
        {
            "type": kind,
            "name": kind,
            "id": kind,
            "endpoints": [
                {"id": kind, "interface": "public", "region": REGION, "region_id": REGION,
                 "url": f"{fake.url}/{path}"}
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


def image(
    fake: FakeOpenStack, method: str, words: list[str], query: dict[str, str], body: dict[str, Any]
) -> Answer:
    one = {"id": "5" * 8, "name": IMAGE, "status": "active"}
    if len(words) == 1:
        twins = [{"id": number, "name": "twins"} for number in ("1", "2")]
        return 200, {"images": [image for image in (one, *twins) if image["name"] == query.get("name")]}
    return 200, {one["id"]: one}[words[1]]


def compute(
    fake: FakeOpenStack, method: str, words: list[str], query: dict[str, str], body: dict[str, Any]
) -> Answer:
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
            for server in fake.kind("servers").values():
                server["status"] = {"BUILD": "ACTIVE"}.get(server["status"], server["status"])
            found = [s for s in fake.kind("servers").values() if re.search(query["name"], s["name"])]
            return 200, {"servers": found}
        case "GET", ["servers", server]:
            return 200, {"server": fake.kind("servers")[server]}
        case "POST", ["servers"]:
            count = body["server"].get("min_count", 1)
            names = [f"{body['server']['name']}{suffix}" for suffix in _suffixes(count)]
            first, *_ = [_create_server(fake, body, name) for name in names]
            return 202, {"server": first}
        case "DELETE", ["servers", server]:
            fake.kind("servers")[server]  # 404 if there is none
            fake.remove_server(server)
            return 204, {}
        case "GET", ["os-keypairs"]:
            return 200, {"keypairs": [{"keypair": one} for one in fake.kind("keys").values()]}
        case "POST", ["os-keypairs"]:
            key = body["keypair"]
            if key["name"] in fake.kind("keys"):
                raise Refused(409, f"Key pair '{key['name']}' already exists.")
            fake.kind("keys")[key["name"]] = key
            return 201, {"keypair": key}
        case "DELETE", ["os-keypairs", name]:
            del fake.kind("keys")[name]
            return 204, {}
    raise KeyError("/".join(words))


def _suffixes(count: int) -> list[str]:
    """Nova numbers the names of servers that are created by one request."""
    return [""] if count == 1 else [f"-{number}" for number in range(1, count + 1)]


def _create_server(fake: FakeOpenStack, body: dict[str, Any], server_name: str) -> dict[str, Any]:
    wanted, hints = body["server"], body.get("OS-SCH-HNT:scheduler_hints", {})
    reservations = {
        lease["reservations"][0]["id"]: lease["reservations"][0]
        for lease in fake.kind("leases").values()
        if lease["status"] == "ACTIVE"
    }
    flavor = wanted["flavorRef"].removeprefix("id-")
    reservation = hints.get("reservation") or flavor
    if flavor not in FLAVORS and flavor not in reservations:
        raise Refused(400, f"Flavor {flavor} could not be found.")
    for group in wanted["security_groups"]:
        fake.kind("groups")[group["name"]]
    key = fake.kind("keys")[wanted["key_name"]]["public_key"]
    reserved = reservations.get(reservation, {})
    name = reserved.get("flavor_id", "").removeprefix("id-") or flavor
    server = uuid.uuid4().hex
    fails = name in fake.full or (flavor == "baremetal" and not reserved)
    if name in fake.room:
        fails = fails or not fake.room[name]
        fake.room[name] = max(0, fake.room[name] - 1)
    fake.kind("servers")[server] = {
        "id": server,
        "name": server_name,
        "status": "ERROR" if fails else "BUILD",
        "fault": {"code": 500, "message": NO_HOST} if fails else None,
        "metadata": wanted["metadata"],
        "created": f"2026-01-01T00:00:{len(fake.kind('servers')):02}Z",
        "addresses": {"private": [{"addr": "192.0.2.9", "version": 4, "OS-EXT-IPS:type": "fixed"}]},
        "reservation": reservation,
    }
    fake.rented.append(server)
    if not fails:
        user_data = base64.b64decode(wanted["user_data"]).decode()
        fake.machines[server] = SshMachine(fake.folder / server, user_data, key)
        _wait_until_up(fake.machines[server])
    port = {
        "id": f"port-{server}",
        "device_id": server,
        "groups": [g["name"] for g in wanted["security_groups"]],
    }
    fake.kind("ports")[port["id"]] = port
    return {"id": server, "links": []}


def network(
    fake: FakeOpenStack, method: str, words: list[str], query: dict[str, str], body: dict[str, Any]
) -> Answer:
    kind = {"security-groups": "groups", "security-group-rules": "rules"}.get(words[0], words[0])
    single = words[0].removesuffix("s").replace("-", "_")
    plural = words[0].replace("-", "_")
    if kind == "networks":
        networks = {"private": False, "public": True}
        return 200, {
            "networks": [{"id": f"n-{n}", "name": n, "router:external": e} for n, e in networks.items()]
        }
    things = fake.kind(kind)
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
            if any(one["id"] in port["groups"] for port in fake.kind("ports").values()):
                raise Refused(409, f"Security Group {one['id']} in use.")
            for rule in [r for r in fake.kind("rules").values() if r["security_group_id"] == one["id"]]:
                del fake.kind("rules")[rule["id"]]
        del things[words[1]]
        return 204, {}
    wanted = body[single] | {"id": uuid.uuid4().hex}
    if kind == "rules" and any(
        r["security_group_id"] == wanted["security_group_id"] for r in things.values()
    ):
        raise Refused(409, "Security group rule already exists.")
    if kind == "floatingips":
        port = fake.kind("ports")[wanted["port_id"]]
        if any(ip["port_id"] == port["id"] for ip in things.values()):
            raise Refused(409, "Cannot associate floating IP with port, as it already has a floating IP.")
        wanted["floating_ip_address"] = fake.machines[port["device_id"]].address
    things[wanted["id"]] = wanted
    return 201, {single: wanted}


def reservation(
    fake: FakeOpenStack, method: str, words: list[str], query: dict[str, str], body: dict[str, Any]
) -> Answer:
    leases = fake.kind("leases")
    match method, words:
        case "GET", ["leases"]:
            return 200, {"leases": list(leases.values())}
        case "DELETE", ["leases", lease]:
            reservation = leases.pop(lease)["reservations"][0]["id"]
            for server in [s for s in fake.kind("servers").values() if s["reservation"] == reservation]:
                fake.remove_server(server["id"])
            return 200, {}
        case "POST", ["leases"]:
            reservation = body["reservations"][0]
            if reservation["resource_type"] not in fake.reservable:
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


Service = Callable[["FakeOpenStack", str, list[str], dict[str, str], dict[str, Any]], Answer]
SERVICES: dict[str, Service] = {
    "identity": identity,
    "image": image,
    "compute": compute,
    "network": network,
    "reservation": reservation,
}
