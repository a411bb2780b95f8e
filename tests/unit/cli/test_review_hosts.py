"""``orchestrate review``: the hosts, their inventory, and what the controller executes to reach them."""

from __future__ import annotations

import os

import pytest

from tests.calls import orchestrate
from tests.unit.cli.foreign import BENCHMARK, Foreign

INVENTORY = """
[fleet]
n1 x="evil; rm -rf ~" power={power}
n2 x=good
n3
[odd]
n3
"""
ROLE = """
- command: "echo {{ x }}"
- name: odd
  command: "{{ 'odd' if 'odd' in group_names else 'even' }}"
"""


@pytest.mark.parametrize("power", ["", "none"])
def test_variables_of_the_inventory_are_those_of_the_run(foreign: Foreign, power: str) -> None:
    foreign.tasks(ROLE, **{"defaults.yaml": "x: good\n"})
    foreign.write("hosts.ini", INVENTORY.replace("power={power}", power and f"power={power}"))
    variables, echo, _ = foreign.entries("Roles", "--inventory", "hosts.ini", "--host", "n1")
    assert variables["details"] == ["variable x: evil; rm -rf ~  (hosts.ini:3)"]
    assert echo["commands"] == ["echo 'evil;' rm -rf '~'"]
    *_, odd = foreign.entries("Roles", "--inventory", "hosts.ini", "--host", "n3")
    assert odd["commands"] == ["odd"]
    for host, expected in (("n1", {"echo 'evil;' rm -rf '~'", "even"}), ("n3", {"echo good", "odd"})):
        words = ("run", "e.yaml", "--dry-run", "--inventory", "hosts.ini", "--host", host)
        assert expected <= set(orchestrate(*words, folder=foreign.folder).stdout.splitlines())


@pytest.mark.parametrize("fleet", ["", "fleet: replicate, "])
def test_commands_that_differ_are_shown_with_their_hosts(foreign: Foreign, fleet: str) -> None:
    foreign.tasks(ROLE, **{"defaults.yaml": "x: good\n"})
    hosts = f"hosts: {{{fleet}provider: ssh, group: fleet}}\n"
    foreign.write("e.yaml", "version: 1\nroles: [r]\n" + hosts + BENCHMARK)
    foreign.write("hosts.ini", INVENTORY.replace("power={power}", ""))
    entries = foreign.entries("Roles", "--inventory", "hosts.ini")
    found = [(entry["details"][0], entry["commands"]) for entry in entries]
    assert found == [
        ("on n1", []),
        ("on n2", []),
        ("on n3", []),
        ("on n1", ["echo 'evil;' rm -rf '~'"]),
        ("on n2, n3", ["echo good"]),
        ("on n1, n2", ["even"]),
        ("on n3", ["odd"]),
    ]
    (first, *_) = foreign.entries("Hosts", "--inventory", "hosts.ini")
    assert ("assumed: it is n1" in first["details"]) == (not fleet)


def test_hosts_whose_commands_are_not_shown_are_named(foreign: Foreign) -> None:
    foreign.tasks(ROLE, **{"defaults.yaml": "x: good\n"})
    hosts = "hosts: {fleet: replicate, provider: ssh, group: fleet}\n"
    foreign.write("e.yaml", "version: 1\nroles: [r]\n" + hosts + BENCHMARK)
    foreign.write("hosts.ini", "[fleet]\n" + "".join(f"n{i} x={min(i, 22)}\n" for i in range(1, 25)))
    *shown, last = foreign.entries("Roles", "--inventory", "hosts.ini")
    assert [entry["commands"] for entry in shown][20:40] == [[f"echo {i}"] for i in range(1, 21)]
    assert "its commands are not shown for n21, n22, n23, n24:" in last["text"]
    assert last["cautions"] == ["hidden"]


def test_what_the_controller_executes_for_each_host(foreign: Foreign) -> None:
    foreign.tasks("- command: 'true'\n")
    hosts = "hosts: {fleet: replicate, provider: ssh, group: fleet}\n"
    foreign.write("e.yaml", "version: 1\nroles: [r]\n" + hosts + BENCHMARK)
    foreign.write("password", "x").chmod(0o600)
    bmc = f"{{redfish: {{url: 'https://bmc.invalid', user: me, password_file: {foreign.folder}/password}}}}"
    foreign.write(
        "hosts.yaml",
        "fleet:\n  hosts:\n    n1: {power: {command: [touch, TRACE]}}\n    n2: {power: none, console: touch TRACE}\n"
        f"    n3: {{power: {{command: touch TRACE}}}}\n    n4: {{power: {bmc}}}\n",
    )
    entries = [
        entry for entry in foreign.entries("Hosts", "--inventory", "hosts.yaml") if " of " in entry["text"]
    ]
    touch = [f"touch {foreign.trace}"]
    assert [(entry["text"], entry["commands"]) for entry in entries] == [
        ("power of n1, n3, by a command on the controller", touch),
        ("console of n2, by a command on the controller", touch),
        ("power of n4, from the controller", []),
    ]
    assert all(entry["cautions"] == ["controller"] for entry in entries)
    assert '"url": "https://bmc.invalid"' in entries[-1]["details"][0]


def test_how_a_host_is_reached(foreign: Foreign) -> None:
    foreign.tasks("- command: 'true'\n")
    foreign.write(
        "hosts.ini", "n1 ansible_user=me ansible_ssh_common_args='-o ProxyCommand=\"touch TRACE\"'\nn2\n"
    )
    (host, *_) = foreign.entries("Hosts", "--inventory", "hosts.ini", "--host", "n1")
    assert f"reached by: ssh -l me -o 'ProxyCommand=touch {foreign.trace}' n1" in host["details"]
    assert host["cautions"] == ["controller"]
    (host, *_) = foreign.entries("Hosts", "--inventory", "hosts.ini", "--host", "n2")
    assert ("reached by: ssh n2" in host["details"], host["cautions"]) == (True, [])


@pytest.mark.parametrize(
    "options",
    [
        "-F evil_config",
        "-4Fevil_config",
        "-I evil.so",
        "-E log",
        "-oproxycommand=evil",
        "-o 'PROXYCOMMAND evil'",
        "-o ' \\\"KnownHostsCommand\\\" = /evil'",
        "-vo PermitLocalCommand=yes",
        "-o PKCS11Provider=evil.so",
        "-o SmartcardDevice=evil.so",
        "-o securitykeyprovider=evil.so",
        "-o ProxyUseFdpass=yes",
        "-o XAuthLocation=/evil",
        "-o 'HostName=$(evil)'",
        "-J 'a;evil'",
        "--unknown",
        "other -x",
    ],
)
@pytest.mark.parametrize(
    "variable", ["ansible_ssh_args", "ansible_ssh_common_args", "ansible_ssh_extra_args"]
)
def test_options_of_ssh_that_execute_on_the_controller(foreign: Foreign, variable: str, options: str) -> None:
    foreign.tasks("- command: 'true'\n")
    foreign.write("hosts.ini", f'n1 {variable}="{options}"\n')
    (host, *_) = foreign.entries("Hosts", "--inventory", "hosts.ini", "--host", "n1")
    assert host["cautions"] == ["controller"]


@pytest.mark.parametrize(
    "options", ["-o ServerAliveInterval=5 -C -p 2222", "-i ~/.ssh/id -oIdentitiesOnly=yes"]
)
def test_options_of_ssh_that_execute_nothing(foreign: Foreign, options: str) -> None:
    foreign.tasks("- command: 'true'\n")
    foreign.write("hosts.ini", f'n1 jump=me@gate:22 ansible_ssh_common_args="{options}"\n')
    (host, *_) = foreign.entries("Hosts", "--inventory", "hosts.ini", "--host", "n1")
    assert host["cautions"] == []


def test_a_cluster_whose_login_node_is_reached_by_a_command(foreign: Foreign) -> None:
    foreign.tasks("- command: 'true'\n")
    foreign.write(
        "hosts.ini", "login ansible_ssh_common_args='-F evil'\nn1 power='{\"command\": \"touch TRACE\"}'\n"
    )
    words = ("--inventory", "hosts.ini", "--provider", "slurm", "--set", "hosts.slurm.login=login")
    (host, *_) = foreign.entries("Hosts", *words)
    assert ("reached by: ssh -F evil login" in host["details"], host["cautions"]) == (True, ["controller"])
    boots = ("--set", "hosts.slurm.boot=ssh", "--set", "hosts.slurm.reservation=mine")
    host, *others = foreign.entries("Hosts", *words, *boots)
    assert "reached by: ssh -F evil login" in host["details"]
    assert any(line.startswith("assumed: the inventory has no variables of it") for line in host["details"])
    assert [f"touch {foreign.trace}"] in [entry["commands"] for entry in others]


@pytest.mark.parametrize("text", ["#!/bin/sh\ntouch TRACE\n", "plugin: x\n"])
def test_an_inventory_that_is_a_program_is_not_run(
    foreign: Foreign, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    foreign.tasks("- command: 'true'\n")
    foreign.write("hosts", text).chmod(0o755)
    foreign.write("bin/ansible-inventory", "#!/bin/sh\ntouch TRACE\n").chmod(0o755)
    monkeypatch.setenv("PATH", f"{foreign.folder}/bin:{os.environ['PATH']}")
    refused = foreign.refusal("--inventory", "hosts", "--host", "n1")
    assert refused.endswith("hosts: only Ansible can read it, and might execute it; this command does not")
    assert orchestrate(
        "plan", "e.yaml", "--inventory", "hosts", "--host", "n1", folder=foreign.folder
    ).returncode
    assert foreign.trace.exists()  # the program is one that other commands run
