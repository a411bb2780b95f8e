"""Power control: valid and invalid values in an inventory, and what each method does."""

from __future__ import annotations

import socket
import threading
from pathlib import Path
from typing import Any

import pytest

from orchestrator.errors import BadInput, HostError
from orchestrator.experiment.model import Needs
from orchestrator.hosts.power import find_power
from orchestrator.hosts.provider import ProviderRequest
from orchestrator.hosts.providers.ssh import SshProvider


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("nome", "unknown method 'nome'; did you mean 'none'?"),
        (3, "expected one of command, ipmi, none, qemu_monitor, redfish, found the number 3"),
        ({"command": ""}, "command: expected a shell command or a list of arguments, found the string ''"),
        ({"command": "a", "none": None}, "expected one of command, ipmi, none, qemu_monitor, redfish"),
        ({"qemu_monitor": None}, "qemu_monitor: expected the path of a UNIX socket, found null"),
        ({"none": 1}, "none: takes no value"),
        ({"nobody": 1}, "nobody: takes no value"),
        ({"ipmi": "192.0.2.1"}, "ipmi: expected address, user, password_file, found the string '192.0.2.1'"),
        ({"ipmi": {"address": "a", "user": "u"}}, "ipmi: missing password_file"),
        ({"ipmi": {"adress": "a"}}, "ipmi: unknown key 'adress'; did you mean 'address'?"),
        ({"ipmi": {"address": 1}}, "ipmi: address: invalid value: the number 1"),
        (
            {"ipmi": {"address": "a", "user": "u", "password_file": "/no/such"}},
            "ipmi: password_file: /no/such: No such file or directory",
        ),
        (
            {"redfish": {"url": "bmc", "user": "u", "password_file": "/dev/null"}},
            "redfish: url: expected https://…, found 'bmc'",
        ),
    ],
)
def test_an_invalid_value_is_an_error_of_one_line(value: Any, message: str) -> None:
    with pytest.raises(BadInput) as caught:
        find_power("metal", value)
    assert str(caught.value).startswith("host 'metal': power: ")
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_command_is_run_unchanged(tmp_path: Path) -> None:
    find_power("metal", {"command": f"echo reset >>{tmp_path}/log"}).cycle()
    find_power("metal", {"command": ["touch", f"{tmp_path}/a file"]}).cycle()
    assert (tmp_path / "log").read_text() == "reset\n"
    assert (tmp_path / "a file").exists()


def test_power_control_that_fails_is_a_host_error(tmp_path: Path) -> None:
    for value, message in (
        ({"command": "echo no such BMC >&2; exit 7"}, "exit code 7 from .*: no such BMC"),
        ({"command": "yes"}, "more than 64MiB of output from sh -c yes$"),
        ({"command": [f"{tmp_path}/none"]}, "/none: No such file or directory$"),
        ({"qemu_monitor": f"{tmp_path}/none"}, "QEMU monitor [^ ]*/none: No such file or directory$"),
    ):
        with pytest.raises(HostError, match=message):
            find_power("metal", value).cycle()


def test_a_qemu_monitor_gets_system_reset(tmp_path: Path) -> None:
    received = []

    def serve() -> None:
        with server.accept()[0] as monitor:
            monitor.sendall(b"QEMU 7.2 monitor\r\n(qemu) ")
            received.append(monitor.recv(100))
            monitor.sendall(b"system_reset\r\n(qemu) ")

    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "monitor"))
        server.listen()
        thread = threading.Thread(target=serve)
        thread.start()
        find_power("metal", {"qemu_monitor": str(tmp_path / "monitor")}).cycle()
        thread.join()
    assert received == [b"system_reset\n"]


def test_a_machine_without_power_control_has_a_watchdog() -> None:
    assert find_power("metal", "none").watchdog
    assert not find_power("metal", {"command": "true"}).watchdog


def test_the_former_name_of_none_is_accepted() -> None:
    assert type(find_power("metal", "nobody")) is type(find_power("metal", "none"))


def test_only_a_machine_with_power_is_booted(tmp_path: Path) -> None:
    file = tmp_path / "inventory.yaml"
    file.write_text("all: {hosts: {a: {power: none}, b: {}, old: {power: nobody}}}")

    def boots(host: str, **options: Any) -> bool:
        return SshProvider(ProviderRequest(Needs(), options, host=host, inventory=file)).boots_kernels

    assert boots("a")
    assert boots("old")
    assert not boots("a", boot=False)
    assert not boots("b")
