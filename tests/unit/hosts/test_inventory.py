"""Inventories in Ansible's formats, error messages, and addresses without an inventory."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestrator.errors import BadInput
from orchestrator.hosts.inventory.inventory import Inventory, load, parse_address

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

NESTED_GROUPS = "[g0]\na[1:50000]\n" + "".join(f"[g{n}:children]\ng{n - 1}\n" for n in range(1, 90))


def read(tmp_path: Path, text: str | bytes) -> Inventory:
    path = tmp_path / "inventory.yaml"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return load(path)


def test_groups_contain_their_children_and_child_groups_take_precedence(tmp_path: Path) -> None:
    inventory = read(tmp_path, NESTED)
    assert inventory.group("all") == ("n1", "n2", "n3")
    assert inventory.group("numa") == ("n1", "n2")
    n1, n2, n3 = (inventory.address(name) for name in inventory.group("all"))
    assert (n1.host, n1.user, n1.port) == ("10.0.0.1", "lab", 2201)
    assert (n2.host, n2.user, n2.port) == ("n2", "lab", 2200)
    assert (n3.user, n3.port, n3.jump) == ("root", 22, "gate")


def test_a_name_that_is_not_in_the_inventory_is_an_address(tmp_path: Path) -> None:
    address = read(tmp_path, NESTED).address("me@elsewhere:2022")
    assert (address.host, address.user, address.port) == ("elsewhere", "me", 2022)


def test_the_nearest_group_is_suggested(tmp_path: Path) -> None:
    inventory = read(tmp_path, NESTED)
    with pytest.raises(BadInput, match=r"inventory\.yaml: no group 'nuna'; did you mean 'numa'\?"):
        inventory.group("nuna")
    with pytest.raises(BadInput, match=r"known: all, numa, other"):
        inventory.group("zzzzzz")
    with pytest.raises(BadInput, match=r"no group .x.; there are none"):
        Inventory().group("x")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[1, 2]", "1:1: the file: expected a mapping, found a list"),
        ("all: [n1]", "1:6: group 'all': expected a mapping, found a list"),
        ("all: {hosts: [n1]}", "1:14: hosts of group 'all': expected a mapping, found a list"),
        ("all: {hosts: {n1: 3}}", "1:19: host 'n1': expected a mapping, found the number 3"),
        ("all: {vars: x}", "1:13: vars of group 'all': expected a mapping, found the string 'x'"),
        ("all: {children: {numa: 7}}", "1:24: group 'numa': expected a mapping, found the number 7"),
        ("all: {hosts:\n  n1", "invalid YAML"),
        ("all: {host: {n1: {}}}", "1:7: unknown key 'host' of a group; did you mean 'hosts'?"),
        (b"\xff\xfe\xff", "invalid UTF-8: byte 0xff"),
        ("all: &a {children: {b: *a}}", "a recursive alias"),
    ],
)
def test_errors_in_yaml(tmp_path: Path, text: str | bytes, message: str) -> None:
    with pytest.raises(BadInput) as caught:
        read(tmp_path, text)
    assert message in str(caught.value)
    assert str(tmp_path / "inventory.yaml") in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1


def test_an_invalid_variable_and_a_missing_file(tmp_path: Path) -> None:
    inventory = read(tmp_path, "all: {hosts: {n1: {ansible_port: ssh}}}")
    with pytest.raises(BadInput, match=r"inventory\.yaml:1:20: host 'n1': ansible_port: .*'ssh'"):
        inventory.address("n1")
    with pytest.raises(BadInput, match="nowhere: No such file or directory"):
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


@pytest.mark.parametrize(
    "text",
    [
        "",
        "u@",
        "h:x",
        "a b",
        "-oProxyCommand=x",
        ":22",
        "h:0",
        "h:65536",
        "h:\u0663",
        pytest.param("h:" + "9" * 5000, id="a long port"),
    ],
)
def test_invalid_addresses(text: str) -> None:
    with pytest.raises(BadInput, match="expected a host of the inventory"):
        parse_address(text)


def test_the_inventory_in_the_documentation_loads(tmp_path: Path) -> None:
    page = (Path(__file__).parents[3] / "docs" / "hosts.md").read_text()
    text = page.partition("```yaml inventory\n")[2].partition("```")[0]
    inventory = read(tmp_path, text)
    assert inventory.group("numa") == ("numa1", "numa2")
    assert inventory.address("numa2").jump == "gate.example"
    assert inventory.address("numa1").user == "mm"


INI = """
lonely ansible_user=me   # a comment
[numa]
node[01:03].lab ansible_port=2200
big:2022 pages=4 quiet=True names="['a', 'b']"

[racks:children]
numa
spare

[spare]
s[a:c:2]

[racks:vars]
ansible_user = lab
ansible_port=22
[all:vars]
ansible_user=nobody
site=north
"""


def test_ini_with_ranges_children_and_variables(tmp_path: Path) -> None:
    path = tmp_path / "hosts"
    path.write_text(INI)
    inventory = load(path)
    assert inventory.group("numa") == ("node01.lab", "node02.lab", "node03.lab", "big")
    assert inventory.group("racks") == (*inventory.group("numa"), "sa", "sc")
    assert set(inventory.group("all")) == {"lonely", *inventory.group("racks")}
    node, big, spare, lonely = (inventory.address(name) for name in ("node02.lab", "big", "sc", "lonely"))
    assert (node.user, node.port) == ("lab", 2200)
    assert (big.user, big.port) == ("lab", 2022)
    assert (spare.user, spare.port) == ("lab", 22)
    assert (lonely.user, lonely.port) == ("me", None)
    assert inventory.variables("big") | {"pages": 4, "quiet": True, "names": ["a", "b"], "site": "north"} == (
        inventory.variables("big")
    )
    assert set(inventory.groups_of("sa")) == {"racks", "spare", "all"}


def test_group_vars_and_host_vars(tmp_path: Path) -> None:
    path = tmp_path / "hosts.ini"
    path.write_text("[a]\nh1 x=line\nh2\n[a:vars]\nx=vars\ny=vars\n")
    for name, text in (
        ("group_vars/a.yaml", "y: file\nz: file"),
        ("host_vars/h1.yml", "w: own"),
        ("group_vars/all", "q: 1"),
    ):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    inventory = load(path)
    assert inventory.variables("h1") == {"x": "line", "y": "file", "z": "file", "w": "own", "q": 1}
    assert inventory.variables("h2") == {"x": "vars", "y": "file", "z": "file", "q": 1}


def test_directories_of_variables_with_several_names_count_where_they_are_last(tmp_path: Path) -> None:
    """As for Ansible, which would follow two links to the directory they are in 2^40 times."""
    (tmp_path / "hosts.ini").write_text("h1\n")
    folder = tmp_path / "group_vars" / "all"
    (folder / "m").mkdir(parents=True)
    (folder / "b.yml").write_text("x: b\ny: b\n")
    (folder / "m" / "f.yml").write_text("y: m\n")
    (folder / "n.yml").write_text("y: n\nz: n\n")
    for name, target in (("a", "."), ("c", ".."), ("o", "m"), ("z", ".")):
        (folder / name).symlink_to(target)
    (folder.parent / "other").mkdir()
    variables = load(tmp_path / "hosts.ini").variables("h1")
    assert variables == {"x": "b", "y": "m", "z": "n"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[a]\nh1 port\n", "2:1: 'port': expected name=value after the host's name"),
        ("[a:childs]\n", "1:1: unknown section type ':childs'; did you mean"),
        ("[a:children]\nb\n", "2:1: no such group 'b'"),
        ("[a:children]\nb\n[b:children]\na\n", "contains itself"),
        ("[a:vars]\nx\n", "2:1: expected name=value"),
        ("h[1:]\n", "1:1: 'h[1:]': expected a range"),
        ("h[9:1]\n", "1:1: '[9:1]' expands to 0 hosts"),
        ("h[1:999999999]\n", "expands to more hosts than the limit: 50000"),
        ("h x='a\n", "1:1: cannot be split into words"),
        (NESTED_GROUPS, ":44:1: groups have too many hosts of others (limit: 1000000)"),
    ],
)
def test_errors_in_ini(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "hosts.ini"
    path.write_text(text)
    with pytest.raises(BadInput) as caught:
        load(path)
    assert message in str(caught.value)
    assert str(path) in str(caught.value)
