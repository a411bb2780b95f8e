"""What an inventory may say of a power button, and what pressing it does."""

from __future__ import annotations

import socket
import threading
from pathlib import Path
from typing import Any

import pytest

from orchestrator.errors import BadInput, HostError
from orchestrator.experiment.model import Needs
from orchestrator.hosts.base import ProviderRequest
from orchestrator.hosts.power import find_power
from orchestrator.hosts.providers.ssh import SshProvider


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ("nobdy", "no way 'nobdy'; did you mean 'nobody'?"),
        (3, "expected one of command, ipmi, nobody, qemu_monitor, redfish; found 3"),
        ({"command": ""}, "command: expected a line for a shell or a list of words; found ''"),
        ({"command": "a", "nobody": None}, "expected one of command, ipmi, nobody, qemu_monitor, redfish"),
        ({"qemu_monitor": None}, "qemu_monitor: expected the path of a UNIX socket; found None"),
        ({"nobody": 1}, "nobody: takes no value"),
        ({"ipmi": "192.0.2.1"}, "ipmi: expected address, user, password_file; found '192.0.2.1'"),
        ({"ipmi": {"address": "a", "user": "u"}}, "ipmi: password_file missing"),
        ({"ipmi": {"adress": "a"}}, "ipmi: no key 'adress'; did you mean 'address'?"),
        ({"ipmi": {"address": 1}}, "ipmi: address: cannot be 1"),
        (
            {"ipmi": {"address": "a", "user": "u", "password_file": "/no/such"}},
            "ipmi: password_file: there is no file /no/such",
        ),
        (
            {"redfish": {"url": "bmc", "user": "u", "password_file": "/dev/null"}},
            "redfish: url: expected https://…; found 'bmc'",
        ),
    ],
)
def test_what_is_no_power_is_told_in_one_line(value: Any, told: str) -> None:
    with pytest.raises(BadInput) as caught:
        find_power("metal", value)
    assert str(caught.value).startswith("host 'metal': power: ")
    assert told in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_command_is_run_as_it_stands(tmp_path: Path) -> None:
    find_power("metal", {"command": f"echo pressed >>{tmp_path}/log"}).cycle()
    find_power("metal", {"command": ["touch", f"{tmp_path}/a file"]}).cycle()
    assert (tmp_path / "log").read_text() == "pressed\n"
    assert (tmp_path / "a file").exists()


def test_a_button_that_cannot_be_pressed_is_an_error_of_the_host(tmp_path: Path) -> None:
    for value, told in (
        ({"command": "echo no such BMC >&2; exit 7"}, "exit code 7 from .*: no such BMC"),
        ({"command": [f"{tmp_path}/none"]}, "No such file"),
        ({"qemu_monitor": f"{tmp_path}/none"}, "QEMU monitor .*: .*No such file"),
    ):
        with pytest.raises(HostError, match=told):
            find_power("metal", value).cycle()


def test_a_monitor_is_told_to_reset(tmp_path: Path) -> None:
    heard = []

    def serve() -> None:
        with server.accept()[0] as monitor:
            monitor.sendall(b"QEMU 7.2 monitor\r\n(qemu) ")
            heard.append(monitor.recv(100))
            monitor.sendall(b"system_reset\r\n(qemu) ")

    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "monitor"))
        server.listen()
        thread = threading.Thread(target=serve)
        thread.start()
        find_power("metal", {"qemu_monitor": str(tmp_path / "monitor")}).cycle()
        thread.join()
    assert heard == [b"system_reset\n"]


def test_only_a_machine_with_power_is_booted(tmp_path: Path) -> None:
    file = tmp_path / "inventory.yaml"
    file.write_text("all: {hosts: {a: {power: nobody}, b: {}}}")

    def boots(host: str, **options: Any) -> bool:
        return SshProvider(ProviderRequest(Needs(), options, host=host, inventory=file)).boots_kernels

    assert boots("a")
    assert not boots("a", boot=False)
    assert not boots("b")
