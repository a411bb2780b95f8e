"""moto's EC2 over HTTP behind a proxy, with what moto lacks: instances that answer by SSH, client tokens, faults."""

from __future__ import annotations

import base64
import contextlib
import http.client
import json
import os
import re
import subprocess
import sys
import threading
import time
import urllib.parse
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Protocol

import boto3

from tests.clouds.ssh_machines import SshMachine
from tests.integration.sshd import free_port

REGION = "us-east-1"
IMAGE = "ami-12c6146b"
IMAGES = [
    {
        "ami_id": IMAGE,
        "name": "debian-12-amd64-20260801-2559",
        "owner_id": "136693071363",
        "root_device_type": "ebs",
        "virtualization_type": "hvm",
        "architecture": "x86_64",
    }
]
ROLE = "orchestrate-terminate"
CREDENTIALS = {"aws_access_key_id": "testing", "aws_secret_access_key": "testing-secret-key"}
ENVIRONMENT = {
    **{name.upper(): value for name, value in CREDENTIALS.items()},
    "AWS_CONFIG_FILE": "/dev/null",
    "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
    "AWS_EC2_METADATA_DISABLED": "true",
}
ERROR = (
    '<?xml version="1.0"?><Response><Errors><Error><Code>{}</Code><Message>{}</Message></Error></Errors>'
    "<RequestID>1</RequestID></Response>"
)
SPOT_REQUEST = (
    '<DescribeSpotInstanceRequestsResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/">'
    "<spotInstanceRequestSet><item><spotInstanceRequestId>sir-1</spotInstanceRequestId>"
    "<status><code>{code}</code><message>in the words of AWS</message></status>"
    "<instanceId>{instance}</instanceId></item></spotInstanceRequestSet></DescribeSpotInstanceRequestsResponse>"
)


class Machine(Protocol):
    """What becomes of an instance: a server at an address, with the host key of its user data."""

    address: str
    user_data: str

    def stop(self) -> None:
        """End the machine and all that runs on it."""


@dataclass
class Request:
    """A request to the API; ``action`` is its name, or method and path."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def form(self) -> dict[str, str]:
        """The parameters of a request to EC2."""
        parsed = urllib.parse.parse_qs(self.body.decode("latin-1")) if b"Action=" in self.body else {}
        return {name: values[0] for name, values in parsed.items()}

    @property
    def action(self) -> str:
        return self.form.get("Action") or f"{self.method} {self.path.partition('?')[0]}"


@dataclass
class FakeEc2:
    """The API at ``url``.

    :ivar actions: every action, in order.
    :ivar refuse: error codes and messages by action, one for each time that it is refused.
    :ivar before, after: called with each action before it reaches the API, and after it was carried out.
    :ivar current: the action that is being carried out.
    :ivar regions: the regions that there are; empty: all that moto knows.
    :ivar new_machine: makes a machine from its folder, user data, public key and ``boot_time``.
    :ivar boot_time: seconds until a machine listens.
    :ivar rented: every instance there ever was; ``spot``: those that are spot instances.
    :ivar interrupted: spot instances that are interrupted.
    """

    folder: Path
    api_port: int
    url: str = ""
    actions: list[str] = field(default_factory=list)
    refuse: dict[str, list[tuple[str, str]]] = field(default_factory=dict)
    before: Callable[[str], None] = lambda action: None
    after: Callable[[str], None] = lambda action: None
    machines: dict[str, Machine] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)
    answers: dict[str, bytes] = field(default_factory=dict)
    public_keys: dict[str, str] = field(default_factory=dict)
    current: str = ""
    regions: tuple[str, ...] = ()
    boot_time: float = 0.0
    new_machine: Callable[[Path, str, str, float], Machine] = SshMachine
    rented: list[str] = field(default_factory=list)
    spot: list[str] = field(default_factory=list)
    interrupted: set[str] = field(default_factory=set)

    @property
    def environment(self) -> dict[str, str]:
        """Environment of a controller that uses this API."""
        return {**ENVIRONMENT, "AWS_ENDPOINT_URL": self.url}

    def client(self, service: str) -> Any:
        """A client of the API itself, without the proxy."""
        url = f"http://127.0.0.1:{self.api_port}"
        return boto3.client(service, endpoint_url=url, region_name=REGION, **CREDENTIALS)

    def left(self) -> dict[str, list[str]]:
        """Every resource that a run could leave behind, by kind; empty if there is none."""
        ec2 = self.client("ec2")
        instances = [one for group in ec2.describe_instances()["Reservations"] for one in group["Instances"]]
        groups = ec2.describe_security_groups()["SecurityGroups"]
        found = {
            "instances": [one["InstanceId"] for one in instances if one["State"]["Name"] != "terminated"],
            "volumes": [one["VolumeId"] for one in ec2.describe_volumes()["Volumes"]],
            "keys": [one["KeyName"] for one in ec2.describe_key_pairs()["KeyPairs"]],
            "groups": [one["GroupName"] for one in groups if one["GroupName"] != "default"],
            "schedules": [one["Name"] for one in self.client("scheduler").list_schedules()["Schedules"]],
            "machines": list(self.machines),
        }
        return {kind: names for kind, names in found.items() if names}

    def answer(self, request: Request) -> tuple[int, bytes]:
        """Carry out a request; a second one with the same client token gets the first answer again, as in EC2."""
        action, form = request.action, request.form
        self.current = action
        self.before(action)
        self.actions.append(action)
        if faults := self.refuse.get(action):
            return 400, ERROR.format(*faults.pop(0)).encode()
        if action == "DescribeSpotInstanceRequests":
            return 200, self._spot_request(form["Filter.1.Value.1"])
        token = form.get("ClientToken", "") if action == "RunInstances" else ""
        with self.lock:
            if token in self.answers:
                status, body = 200, self.answers[token]
            else:
                status, body = self._forward(request)
                if status == 200:
                    self._follow(action, form, body)
                    if token:
                        self.answers[token] = body
            body = self._with_addresses(self._with_regions(body))
        self.after(action)
        return status, body

    def _forward(self, request: Request) -> tuple[int, bytes]:
        link = http.client.HTTPConnection("127.0.0.1", self.api_port, timeout=60)
        link.request(request.method, request.path, request.body, request.headers)
        answer = link.getresponse()
        return answer.status, answer.read()

    def _follow(self, action: str, form: dict[str, str], body: bytes) -> None:
        """Do with machines what the API has done with instances."""
        if action == "ImportKeyPair":
            self.public_keys[form["KeyName"]] = base64.b64decode(form["PublicKeyMaterial"]).decode()
        elif action == "RunInstances":
            data = base64.b64decode(form["UserData"]).decode()
            key = self.public_keys[form["KeyName"]]
            for instance in re.findall(r"<instanceId>([^<]+)<", body.decode()):
                self.rented.append(instance)
                if form.get("InstanceMarketOptions.MarketType") == "spot":
                    self.spot.append(instance)
                self.machines[instance] = self.new_machine(self.folder / instance, data, key, self.boot_time)
        elif action == "TerminateInstances":
            for name, instance in form.items():
                if name.startswith("InstanceId.") and instance in self.machines:
                    self.machines.pop(instance).stop()

    def lose(self) -> None:
        """Let the call that has begun not reach the API: its caller is gone."""
        self.refuse[self.current] = [("Unavailable", "lost")]

    def end(self, instance: str) -> None:
        """Let an instance end."""
        self.client("ec2").terminate_instances(InstanceIds=[instance])
        self.machines.pop(instance).stop()

    def zones(self) -> dict[str, str]:
        """The zone of each instance, of those that have ended as well."""
        groups = self.client("ec2").describe_instances()["Reservations"]
        instances = [one for group in groups for one in group["Instances"]]
        return {one["InstanceId"]: one["Placement"]["AvailabilityZone"] for one in instances}

    def _spot_request(self, instance: str) -> bytes:
        """The request of a spot instance; moto has none for instances of RunInstances."""
        code = "instance-terminated-no-capacity" if instance in self.interrupted else "fulfilled"
        return SPOT_REQUEST.format(instance=instance, code=code).encode()

    def _with_regions(self, body: bytes) -> bytes:
        """Leave out regions that the test does not want: each costs the controller a second."""
        if not self.regions or b"<regionInfo>" not in body:
            return body
        items = re.findall(r"<item>.*?</item>", body.decode(), flags=re.DOTALL)
        kept = [item for item in items if any(f"<regionName>{name}<" in item for name in self.regions)]
        return re.sub(
            r"<regionInfo>.*</regionInfo>",
            f"<regionInfo>{''.join(kept)}</regionInfo>",
            body.decode(),
            flags=re.DOTALL,
        ).encode()

    def _with_addresses(self, body: bytes) -> bytes:
        """Put the addresses of the machines where moto has invented ones."""
        text = body.decode()
        for instance, machine in self.machines.items():
            pattern = rf"(<instanceId>{instance}</instanceId>(?:(?!<instanceId>).)*?<ipAddress>)[^<]*"
            text = re.sub(pattern, rf"\g<1>{machine.address}", text, flags=re.DOTALL)
        return text.encode()


@contextmanager
def serve(folder: Path) -> Iterator[FakeEc2]:
    """Run the API, with the role that ends machines."""
    folder.mkdir()
    fake = FakeEc2(folder, free_port())
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(fake))
    fake.url = f"http://127.0.0.1:{server.server_address[1]}"
    images = folder / "images.json"
    images.write_text(json.dumps(IMAGES))
    with (folder / "moto.log").open("wb") as log:
        moto_server = Path(sys.executable).with_name("moto_server")
        moto = subprocess.Popen(
            [moto_server, "-H", "127.0.0.1", "-p", str(fake.api_port)],
            env={**os.environ, "MOTO_AMIS_PATH": str(images)},
            stdout=log,
            stderr=log,
        )
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        _wait_until_up(fake, moto)
        trust = {
            "Effect": "Allow",
            "Principal": {"Service": "scheduler.amazonaws.com"},
            "Action": "sts:AssumeRole",
        }
        document = json.dumps({"Statement": [trust]})
        fake.client("iam").create_role(RoleName=ROLE, AssumeRolePolicyDocument=document)
        yield fake
    finally:
        for machine in fake.machines.values():
            machine.stop()
        server.shutdown()
        server.server_close()
        moto.terminate()
        moto.wait()


def _handler(fake: FakeEc2) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def handle_request(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            status, answer = fake.answer(Request(self.command, self.path, dict(self.headers), body))
            self.send_response(status)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def handle(self) -> None:
            with contextlib.suppress(ConnectionError):  # the controller was killed
                super().handle()

        def log_message(self, *arguments: object) -> None:
            """Print nothing."""

    for method in ("GET", "POST", "PUT", "DELETE"):
        setattr(Handler, f"do_{method}", Handler.handle_request)
    return Handler


def _wait_until_up(fake: FakeEc2, moto: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 60
    while moto.poll() is None and time.monotonic() < deadline:
        try:
            link = http.client.HTTPConnection("127.0.0.1", fake.api_port, timeout=5)
            link.request("GET", "/moto-api/")
            link.getresponse()
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise RuntimeError(f"moto does not answer: {(fake.folder / 'moto.log').read_text()}")
