"""Power control with a real IPMI controller and a real Redfish service, both emulated in software."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import bcrypt
import pytest

from orchestrator.errors import HostError
from orchestrator.hosts.power import find_power
from tests.integration.sshd import free_port

START_S = 60.0
"""Time limit for a busy machine; no test measures it."""

LAN = """\
name "bmc"
set_working_mc 0x20
  startlan 1
    addr 127.0.0.1 {port}
    guid a123456789abcdefa123456789abcdef
    priv_limit admin
    allowed_auths_callback none md2 md5 straight
    allowed_auths_user none md2 md5 straight
    allowed_auths_operator none md2 md5 straight
    allowed_auths_admin none md2 md5 straight
  endlan
  chassis_control "{machine}"
  user 2 true "admin" "secret" admin 10 none md2 md5 straight
"""
CONTROLLER = """\
mc_setbmc 0x20
mc_add 0x20 0 no-device-sdrs 0x23 9 8 0x9f 0x1291 0xf02 persist_sdr
sel_enable 0x20 1000 0x0a
mc_enable 0x20
"""


def until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + START_S
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.1)


@contextmanager
def running(*argv: str | Path) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(
        argv, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        yield process
    finally:
        process.terminate()
        process.wait()


@pytest.fixture
def password(tmp_path: Path) -> Path:
    file = tmp_path / "password"
    file.write_text("secret\n")
    return file


MACHINE = """\
#!/bin/sh
# A machine that is on or off, with a log of its power changes.
cd {folder} || exit
for value; do :; done
case "$*" in
*get\\ power*) echo "power:$(cat power)" ;;
*set\\ power*) echo "$value" >power; echo "$value" >>log ;;
esac
"""


@pytest.fixture
def ipmi(tmp_path: Path, password: Path) -> Iterator[dict[str, Any]]:
    """A controller of a machine that is on; returns its inventory options."""
    machine = tmp_path / "machine"
    machine.write_text(MACHINE.format(folder=tmp_path))
    machine.chmod(0o755)
    (tmp_path / "power").write_text("1\n")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    (tmp_path / "lan.conf").write_text(LAN.format(port=port, machine=machine))
    (tmp_path / "controller").write_text(CONTROLLER)
    given = {"address": "127.0.0.1", "port": port, "user": "admin", "password_file": str(password)}
    words = ("-n", "-c", tmp_path / "lan.conf", "-f", tmp_path / "controller", "-s", tmp_path / "state")
    with running("ipmi_sim", *words):
        until(lambda: tool(given, "status").returncode == 0)
        yield given


def tool(given: dict[str, Any], verb: str) -> subprocess.CompletedProcess[bytes]:
    words = (
        "-I",
        "lanplus",
        "-H",
        "127.0.0.1",
        "-p",
        str(given["port"]),
        "-U",
        "admin",
        "-f",
        given["password_file"],
    )
    return subprocess.run(("ipmitool", *words, "chassis", "power", verb), check=False, capture_output=True)


def test_an_ipmi_controller_cycles_the_power(ipmi: dict[str, Any], tmp_path: Path) -> None:
    find_power("metal", {"ipmi": ipmi}).cycle()
    until(lambda: (tmp_path / "log").read_text().split() == ["0", "1"])


@pytest.mark.slow
def test_a_machine_that_is_off_is_switched_on(ipmi: dict[str, Any], tmp_path: Path) -> None:
    assert tool(ipmi, "off").returncode == 0
    find_power("metal", {"ipmi": ipmi}).cycle()
    assert (tmp_path / "log").read_text().split() == ["0", "1"]
    assert tool(ipmi, "status").stdout == b"Chassis Power is on\n"


@pytest.mark.slow
def test_an_ipmi_error_is_one_line(ipmi: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / "wrong").write_text("secred\n")
    for change in ({"password_file": str(tmp_path / "wrong")}, {"port": free_port()}):
        with pytest.raises(HostError, match=r"ipmitool.*Unable to establish") as caught:
            find_power("metal", {"ipmi": {**ipmi, **change}}).cycle()
        assert "\n" not in str(caught.value)
        assert "secre" not in str(caught.value)


class Service:
    """A Redfish service with two systems, one of them off; it requires a user and a password."""

    def __init__(self, folder: Path, password: Path) -> None:
        self.port = free_port()
        self.url = f"https://localhost:{self.port}"
        self.certificate, self.key = folder / "certificate", folder / "key"
        words = "req -x509 -nodes -newkey rsa:2048 -days 2 -subj /CN=localhost -addext subjectAltName=DNS:localhost"
        subprocess.run(
            ("openssl", *words.split(), "-keyout", self.key, "-out", self.certificate),
            check=True,
            capture_output=True,
        )
        self.given = {
            "url": self.url,
            "user": "admin",
            "password_file": str(password),
            "verify": str(self.certificate),
        }
        (folder / "users").write_text(f"admin:{bcrypt.hashpw(b'secret', bcrypt.gensalt(4)).decode()}\n")
        (folder / "state").mkdir()
        values = {
            "AUTH_FILE": str(folder / "users"),
            "FAKE_SYSTEMS": [
                {"uuid": "a1", "name": "a1", "power_state": "On", "nics": []},
                {"uuid": "b2", "name": "b2", "power_state": "Off", "nics": []},
            ],
            "STATE_DIR": str(folder / "state"),
            "SSL_CERT": str(self.certificate),
            "SSL_KEY": str(self.key),
            "LISTEN_IP": "127.0.0.1",
            "LISTEN_PORT": self.port,
        }
        self.configuration = folder / "service.py"
        lines = [f"SUSHY_EMULATOR_{name} = {value!r}\n" for name, value in values.items()]
        self.configuration.write_text("".join(lines))

    def answers(self) -> bool:
        try:
            socket.create_connection(("127.0.0.1", self.port), 1).close()
        except OSError:
            return False
        return True

    def is_on(self, computer: str) -> bool:
        address = f"{self.url}/redfish/v1/Systems/{computer}"
        words = ("curl", "--silent", "--cacert", self.certificate, "--user", "admin:secret", address)
        document = json.loads(subprocess.run(words, check=True, capture_output=True).stdout)
        return bool(document["PowerState"] == "On")


@pytest.fixture
def service(tmp_path: Path, password: Path) -> Iterator[Service]:
    service = Service(tmp_path, password)
    program = Path(sys.executable).with_name("sushy-emulator")
    with running(program, "--config", service.configuration, "--fake"):
        until(service.answers)
        yield service


def test_a_redfish_service_restarts_a_computer(service: Service) -> None:
    find_power("metal", {"redfish": {**service.given, "system": "a1"}}).cycle()
    assert not service.is_on("a1")
    until(lambda: service.is_on("a1"))


def test_a_computer_that_is_off_is_switched_on(service: Service) -> None:
    find_power("metal", {"redfish": {**service.given, "system": "b2"}}).cycle()
    until(lambda: service.is_on("b2"))


def test_a_redfish_error_is_one_line(service: Service, tmp_path: Path) -> None:
    (tmp_path / "wrong").write_text("secred\n")
    for change, message in (
        ({}, r"has 2 systems \(a1, b2\); select one with"),
        ({"system": "c3"}, "404"),
        ({"system": "a1", "password_file": str(tmp_path / "wrong")}, "401"),
        ({"system": "a1", "url": f"https://localhost:{free_port()}"}, "Connection refused"),
        ({"system": "a1", "verify": True}, "certificate verify failed"),
        ({"system": "a1", "url": f"http://localhost:{service.port}"}, "http://localhost"),
    ):
        with pytest.raises(HostError, match=message) as caught:
            find_power("metal", {"redfish": {**service.given, **change}}).cycle()
        assert "\n" not in str(caught.value)
    assert service.is_on("a1")
    find_power("metal", {"redfish": {**service.given, "system": "a1", "verify": False}}).cycle()
    assert not service.is_on("a1")
