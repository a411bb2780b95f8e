"""What the variables of an inventory say about connections: each is used, or is a fault with its place."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from orchestrator.errors import BadInput, HostError
from orchestrator.extras import installation
from orchestrator.hosts.inventory import ansible
from orchestrator.hosts.inventory.inventory import Inventory, load
from orchestrator.hosts.power import find_power
from orchestrator.hosts.selector import HostSelector

VAULT = "!vault |\n          $ANSIBLE_VAULT;1.1;AES256\n          6231336539\n"


@pytest.fixture
def without_ansible(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ansible, "program", lambda name: None)


def read(folder: Path, text: str, name: str = "hosts.ini") -> Inventory:
    (folder / name).write_text(text)
    return load(folder / name)


def fault(folder: Path, text: str, name: str = "hosts.ini") -> str:
    """Return the one message about the host ``h1``, without the directory."""
    with pytest.raises(BadInput) as caught:
        read(folder, text, name).address("h1")
    return str(caught.value).replace(f"{folder}/", "")


def test_arguments_of_ssh_go_to_ssh_in_ansibles_order(tmp_path: Path) -> None:
    lines = """
    h1 ansible_ssh_args="-C -o ControlMaster=no" ansible_host_key_checking=False ansible_ssh_timeout=5
    [all:vars]
    ansible_ssh_extra_args=-v
    ansible_ssh_common_args='-o ProxyCommand="ssh -W %h:%p me@192.0.2.1"'
    """
    address = read(tmp_path, lines).address("h1")
    assert address.first_options == (*("-C", "-o", "ControlMaster=no", "-o", "StrictHostKeyChecking=no"),)
    assert address.options == (
        *("-o", "ConnectTimeout=5", "-o", "ProxyCommand=ssh -W %h:%p me@192.0.2.1", "-v"),
    )


def test_old_names_take_precedence_as_in_ansible(tmp_path: Path) -> None:
    inventory = read(
        tmp_path, "h1 ansible_ssh_host=192.0.2.11 ansible_ssh_port=2222 ansible_ssh_user=mm ansible_host=x\n"
    )
    assert str(inventory.address("h1")) == "mm@192.0.2.11:2222"


def test_a_host_without_ssh_spoils_only_itself(tmp_path: Path) -> None:
    file = tmp_path / "hosts.ini"
    file.write_text(
        "here ansible_connection=local\nbox ansible_connection=docker\nalpha ansible_host=192.0.2.11\n"
    )
    selector = HostSelector(file, None)
    shown = {name: selector.address_shown(name) for name in selector.names(["all"])}
    assert shown == {
        "here": "ansible_connection=local",
        "box": "ansible_connection=docker",
        "alpha": "192.0.2.11",
    }
    with pytest.raises(
        HostError, match=r"hosts\.ini:1:1: host 'here': .*'local': for this machine, use --host local"
    ):
        selector.connect("here")
    with pytest.raises(
        HostError, match=r"hosts\.ini:2:1: host 'box': ansible_connection: 'docker': only ssh"
    ):
        selector.connect("box")


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("h1 ansible_port=1e999", "ansible_port: expected a port from 1 to 65535; found inf"),
        ("h1 ansible_port=99999", "ansible_port: expected a port from 1 to 65535; found 99999"),
        ("h1 ansible_port=True", "ansible_port: expected a port from 1 to 65535; found True"),
        ("h1 ansible_ssh_private_key_file=~nobody-here/id", "~nobody-here/id: no such user"),
        (
            "h1 ansible_host='a b;rm -rf'",
            "ansible_host: 'a b;rm -rf' has characters that SSH does not accept",
        ),
        ("h1 ansible_user=-oProxyCommand=x", "ansible_user: '-oProxyCommand=x' has characters"),
        ("h1 ansible_host=\"['a']\"", "ansible_host: expected a string"),
        (
            "h1 ansible_ssh_executable=/opt/mine",
            "ansible_ssh_executable: '/opt/mine': not supported, only ssh",
        ),
        (
            "h1 ansible_shell_type=powershell",
            "ansible_shell_type: 'powershell': not supported, the host needs a",
        ),
        ("h1 ansible_private_key=abc", "ansible_private_key: not supported; write the key into a file"),
        ('h1 ansible_ssh_common_args="\'\\"\'"', "ansible_ssh_common_args: cannot be split into words"),
        ("h1 x={{}}", "'{{}}' is not a valid value"),
        ("h1[1:100000][1:100000]", "expands to more hosts than the limit: 50000"),
        ("h1[0:99999999999999999999]", "expands to more hosts than the limit: 50000"),
        ("h1[a-c]", "expected a range such as node[01:16]"),
    ],
)
def test_a_fault_has_its_place(tmp_path: Path, line: str, message: str) -> None:
    text = fault(tmp_path, f"\n{line}\n")
    assert text.startswith("hosts.ini:2:1: "), text
    assert message in text


def test_an_encrypted_value_stays_closed_until_it_is_needed(tmp_path: Path, without_ansible: None) -> None:
    text = f"numa:\n  hosts:\n    h1: {{ansible_host: 192.0.2.11}}\n  vars:\n    ansible_become_password: {VAULT}"
    assert str(read(tmp_path, text, "vault.yml").address("h1")) == "192.0.2.11"
    needed = text.replace("ansible_become_password", "ansible_user")
    assert fault(tmp_path, needed, "vault.yml") == (
        "vault.yml:5:5: host 'h1': ansible_user is encrypted with ansible-vault; "
        f"to decrypt it, install Ansible with: {installation('ansible')}"
    )


def test_directories_in_group_vars_are_read_and_an_encrypted_file_is_told(
    tmp_path: Path, without_ansible: None, caplog: pytest.LogCaptureFixture
) -> None:
    folder = tmp_path / "group_vars" / "numa"
    folder.mkdir(parents=True)
    (folder / "main.yml").write_text("ansible_user: mm\n")
    (folder / "vault.yml").write_text("$ANSIBLE_VAULT;1.1;AES256\n")
    assert str(read(tmp_path, "[numa]\nh1 ansible_host=192.0.2.11\n").address("h1")) == "mm@192.0.2.11"
    assert f"{folder}/vault.yml: encrypted with ansible-vault and not read" in caplog.text


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("inventory.toml", "[g]\n", "an inventory in TOML format requires Ansible"),
        (
            "aws.yml",
            "plugin: amazon.aws.aws_ec2\n",
            "the configuration of an inventory plugin requires Ansible",
        ),
        (
            "hosts",
            "h1 ansible_host='{{ x }}.lab'\n",
            "hosts:1:1: host 'h1': ansible_host: '{{ x }}.lab' is a template",
        ),
        (
            "a.yml",
            "g: {hosts: {h1: {power: {ipmi: {address: '{{ x }}'}}}}}",
            "a.yml:1:18: host 'h1': power: {",
        ),
        ("list.py", "#!/usr/bin/python3\n", "an inventory script requires Ansible"),
    ],
)
def test_what_only_ansible_reads_is_a_fault_with_the_extra(
    tmp_path: Path, without_ansible: None, name: str, text: str, message: str
) -> None:
    (tmp_path / name).touch(0o755 if name == "list.py" else 0o644)
    found = fault(tmp_path, text, name)
    assert message in found
    assert "-m pip install 'ansible-core>=" in found


def test_a_password_is_told_to_be_unused(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    inventory = read(tmp_path, "h1 ansible_password=x ansible_become_pass=y\n")
    inventory.address_to_connect("h1")
    assert "hosts.ini:1:1: host 'h1': ansible_password is not used; log in with a key" in caplog.text
    assert "ansible_become_pass is not used; sudo must not ask for a password (NOPASSWD)" in caplog.text


def test_a_fifo_without_a_writer_and_an_endless_file_end(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    assert load(tmp_path / "fifo").group("all") == ()
    with pytest.raises(BadInput, match=r"/dev/zero: File too large \(limit: 4 MiB\)"):
        load(Path("/dev/zero"))


def test_many_hosts_and_deep_groups(tmp_path: Path) -> None:
    inventory = read(tmp_path, "[g]\nh[1:20000]\n")
    assert len(inventory.group("g")) == 20_000
    assert inventory.groups_of("h20000") == ("g", "all")
    chain = "".join(f"[g{n}:children]\ng{n + 1}\n" for n in range(5000))
    with pytest.raises(BadInput, match="groups are nested more than 100 levels deep"):
        read(tmp_path, f"{chain}[g5000]\nh1\n")


def test_merge_keys_do_not_multiply_without_limit(tmp_path: Path) -> None:
    levels = "".join(f"a{n}: &a{n} {{<<: [{', '.join([f'*a{n - 1}'] * 9)}]}}\n" for n in range(1, 9))
    with pytest.raises(BadInput, match="more than 100000 values after alias expansion"):
        read(tmp_path, f"a0: &a0 {{hosts: {{h1: }}}}\n{levels}", "hosts.yml")


def test_a_password_file_of_an_unknown_user_is_a_fault() -> None:
    power = {"ipmi": {"address": "192.0.2.1", "user": "admin", "password_file": "~nobody-here/x"}}
    with pytest.raises(BadInput, match="power: ipmi: password_file: ~nobody-here/x: no such user"):
        find_power("h1", power)
    power["ipmi"]["password_file"] = "x" * 300
    with pytest.raises(BadInput, match="File name too long"):
        find_power("h1", power)
