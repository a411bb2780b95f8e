"""The inventory: Ansible's form, its faults, and addresses without one."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestrator.errors import BadInput
from orchestrator.hosts.inventory import Inventory, load, parse_address

NESTED = """
all:
  vars: {ansible_user: lab, ansible_port: 22}
  children:
    numa:
      vars: {ansible_port: 2200}
      hosts:
        n1: {ansible_host: 10.0.0.1, ansible_port: 2201}
        n2:
    other: {hosts: {n3: {jump: gate, ansible_user: root}}}
"""


def read(tmp_path: Path, text: str | bytes) -> Inventory:
    path = tmp_path / "inventory.yaml"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return load(path)


def test_groups_contain_their_children_and_variables_come_from_the_nearest(tmp_path: Path) -> None:
    inventory = read(tmp_path, NESTED)
    assert inventory.group("all") == ("n1", "n2", "n3")
    assert inventory.group("numa") == ("n1", "n2")
    n1, n2, n3 = (inventory.address(name) for name in inventory.group("all"))
    assert (n1.host, n1.user, n1.port) == ("10.0.0.1", "lab", 2201)
    assert (n2.host, n2.user, n2.port) == ("n2", "lab", 2200)
    assert (n3.user, n3.port, n3.jump) == ("root", 22, "gate")


def test_a_name_that_is_not_in_it_is_an_address(tmp_path: Path) -> None:
    address = read(tmp_path, NESTED).address("me@elsewhere:2022")
    assert (address.host, address.user, address.port) == ("elsewhere", "me", 2022)


def test_the_nearest_group_is_named(tmp_path: Path) -> None:
    inventory = read(tmp_path, NESTED)
    with pytest.raises(BadInput, match=r"inventory\.yaml: no group 'nuna'; did you mean 'numa'\?"):
        inventory.group("nuna")
    with pytest.raises(BadInput, match=r"groups here: numa, other, all"):
        inventory.group("zzzzzz")
    with pytest.raises(BadInput, match="groups here: none"):
        Inventory().group("x")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[1, 2]", "the file: expected a mapping, found list"),
        ("all: [n1]", "group 'all': expected a mapping, found list"),
        ("all: {hosts: [n1]}", "hosts of group 'all': expected a mapping, found list"),
        ("all: {hosts: {n1: 3}}", "host 'n1': expected a mapping, found int"),
        ("all: {vars: x}", "vars of group 'all': expected a mapping, found str"),
        ("all: {children: {numa: 7}}", "group 'numa': expected a mapping, found int"),
        ("all: {hosts:\n  n1", "not YAML"),
        (b"\xff\xfe\xff", "not YAML"),
        ("all: &a {children: {b: *a}}", "a group contains itself"),
    ],
)
def test_faults(tmp_path: Path, text: str | bytes, message: str) -> None:
    with pytest.raises(BadInput) as caught:
        read(tmp_path, text)
    assert message in str(caught.value)
    assert str(tmp_path / "inventory.yaml") in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1


def test_a_fault_of_a_host_and_a_missing_file(tmp_path: Path) -> None:
    inventory = read(tmp_path, "all: {hosts: {n1: {ansible_port: ssh}}}")
    with pytest.raises(BadInput, match=r"inventory\.yaml: host 'n1': .*'ssh'"):
        inventory.address("n1")
    with pytest.raises(BadInput, match="cannot read the inventory: No such file"):
        load(tmp_path / "nowhere")


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("h", ("h", None, None)),
        ("u@h:22", ("h", "u", 22)),
        ("[fe80::1]:22", ("fe80::1", None, 22)),
        ("fe80::1", ("fe80::1", None, None)),
    ],
)
def test_addresses(text: str, parts: tuple[str, str | None, int | None]) -> None:
    address = parse_address(text)
    assert (address.host, address.user, address.port) == parts


@pytest.mark.parametrize("text", ["", "u@", "h:x", "a b", "-oProxyCommand=x", ":22"])
def test_what_is_no_address(text: str) -> None:
    with pytest.raises(BadInput, match="expected a host of the inventory"):
        parse_address(text)


def test_the_inventory_of_the_documentation_is_one(tmp_path: Path) -> None:
    page = (Path(__file__).parents[3] / "docs" / "hosts.md").read_text()
    text = page.partition("```yaml inventory\n")[2].partition("```")[0]
    inventory = read(tmp_path, text)
    assert inventory.group("numa") == ("numa1", "numa2")
    assert inventory.address("numa2").jump == "gate.example"
    assert inventory.address("numa1").user == "mm"
