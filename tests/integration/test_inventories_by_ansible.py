"""Inventories that only Ansible can read are read by its programs, and users are informed."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from orchestrator.errors import BadInput
from orchestrator.hosts.inventory import ansible
from orchestrator.hosts.inventory.inventory import load
from orchestrator.hosts.inventory.variables import is_secret
from tests.running import User

pytest.importorskip("ansible")

SCRIPT = """#!/bin/sh
cat <<'END'
{"numa": {"hosts": ["n1", "n2"], "vars": {"ansible_user": "mm"}, "children": ["inner"]},
 "inner": {"hosts": ["n3"]},
 "_meta": {"hostvars": {"n1": {"ansible_host": "192.0.2.1", "ansible_port": 2222}, "n3": {"x": [1, null]}}}}
END
"""


def test_a_script_is_listed_and_told(user: User) -> None:
    file = user.folder / "inventory.sh"
    file.write_text(SCRIPT)
    file.chmod(0o755)
    ended = user.orchestrate("hosts", "list", "--inventory", file)
    assert ended.code == 0, ended.err
    assert ended.complaints == [f"{file}: read by ansible-inventory"]
    rows = [line.split() for line in ended.out.splitlines()[2:]]
    assert sorted(row[:2] for row in rows) == [["n1", "mm@192.0.2.1:2222"], ["n2", "mm@n2"], ["n3", "mm@n3"]]
    file.write_text("#!/bin/sh\nexit 3\n")
    failed = user.orchestrate("hosts", "list", "--inventory", file)
    assert failed.code == 2
    assert failed.complaints[1:] == [
        f"{file}: ansible-inventory: Inventory script returned non-zero exit code 3."
    ]


def test_a_script_that_prints_without_end_is_named(user: User) -> None:
    """Not by Ansible: that would keep all of it."""
    programs = user.folder / "bin"
    programs.mkdir()
    (programs / "ansible-inventory").write_text("#!/bin/sh\nexec yes\n")
    (programs / "ansible-inventory").chmod(0o755)
    user.environment = {"PATH": f"{programs}:{os.environ['PATH']}"}
    file = user.folder / "inventory.sh"
    file.write_text(SCRIPT)
    file.chmod(0o755)
    ended = user.orchestrate("hosts", "list", "--inventory", file)
    assert ended.code == 2
    assert ended.complaints[-1] == f"{file}: ansible-inventory: more than 64MiB of output"


def test_a_directory_of_inventories_with_a_plugin(tmp_path: Path) -> None:
    (tmp_path / "1.ini").write_text("[numa]\nn1 ansible_host=192.0.2.1\nn2 rack=a\n")
    (tmp_path / "2.yml").write_text(
        "plugin: ansible.builtin.constructed\ngroups: {racked: rack is defined}\n"
    )
    (tmp_path / "group_vars").mkdir()
    (tmp_path / "group_vars" / "numa.yml").write_text("ansible_user: mm\n")
    inventory = load(tmp_path)
    assert inventory.group("racked") == ("n2",)
    assert inventory.group("all") == inventory.group("numa") == ("n1", "n2")
    assert str(inventory.address("n1")) == "mm@192.0.2.1"


# Templates of connection variables: https://github.com/stackhpc/ansible-slurm-appliance/pull/872
def test_templates_in_connection_variables(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    file = tmp_path / "hosts"
    file.write_text(
        "[cluster]\n"
        "n1 ansible_host='{{ inventory_hostname }}.lab'\n"
        "n2 ansible_host=192.0.2.2 jump='{{ groups.login | first }}'\n"
        "[login]\nl1 ansible_host=192.0.2.3\n"
        "[cluster:vars]\n"
        "ansible_port={{ 2200 + 22 }}\n"
        'ansible_ssh_common_args=-o ProxyCommand="ssh -W %h:%p {{ hostvars[groups.login[0]].ansible_host }}"\n'
    )
    inventory = load(file)
    n1, n2, l1 = (inventory.address(name) for name in ("n1", "n2", "l1"))
    assert (str(n1), str(n2), str(l1)) == ("n1.lab:2222", "192.0.2.2:2222", "192.0.2.3")
    assert n1.options == ("-o", "ProxyCommand=ssh -W %h:%p 192.0.2.3")
    assert n2.jump == "l1"
    assert caplog.messages == [f"{file}: templates in connection variables are resolved by ansible"]
    file.write_text("n1\nn2 ansible_user='{{ nobody_knows }}'\n")
    with pytest.raises(BadInput, match=r"hosts:2:1: host 'n2': ansible_user: .*'nobody_knows' is undefined"):
        load(file)


def test_encrypted_values_are_decrypted_with_the_password_of_ansible(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    password = tmp_path / "password"
    password.write_text("secret\n")
    file = tmp_path / "hosts.yml"
    folder = tmp_path / "group_vars" / "all"
    folder.mkdir(parents=True)
    vault = str(ansible.program("ansible-vault"))
    words = [vault, "encrypt_string", "--vault-password-file", password, "--name", "ansible_user", "mm"]
    inline = subprocess.run(words, check=True, capture_output=True, text=True).stdout
    file.write_text(
        f"all:\n  hosts: {{h1: }}\n  vars:\n{inline.replace('ansible_user', '    ansible_user', 1)}"
    )
    (folder / "vault.yml").write_text("ansible_port: 2222\n")
    words = [vault, "encrypt", "--vault-password-file", password, folder / "vault.yml"]
    subprocess.run(words, check=True, capture_output=True)
    monkeypatch.delenv("ANSIBLE_VAULT_PASSWORD_FILE", raising=False)
    with pytest.raises(
        BadInput, match=r"hosts.yml:4:5: host 'h1': ansible_user is encrypted, and ansible-vault"
    ):
        load(file).address("h1")
    assert "vault.yml: encrypted with ansible-vault and not read" in caplog.text
    ansible.decrypt_file.cache_clear()
    monkeypatch.setenv("ANSIBLE_VAULT_PASSWORD_FILE", str(password))
    assert str(load(file).address("h1")) == "mm@h1:2222"


def encrypt(*files: Path) -> None:
    subprocess.run(
        [str(ansible.program("ansible-vault")), "encrypt", *files], check=True, capture_output=True
    )


@pytest.fixture
def password(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "password").write_text("secret\n")
    monkeypatch.setenv("ANSIBLE_VAULT_PASSWORD_FILE", str(tmp_path / "password"))


@pytest.mark.usefixtures("password")
def test_values_of_encrypted_files_are_secret_also_if_ansible_reads_the_inventory(tmp_path: Path) -> None:
    folder = tmp_path / "inventory"
    for name, text in {
        "hosts.yml": "all: {hosts: {h1.example: {public: 1}, h2: {pin: 3}}}\n",
        "group_vars/all/vault.yml": "pin: 4711\ntoken: t0ken\n",
        "group_vars/all/plain.yml": "plain: 2\n",
        "host_vars/h1.example/vault.yml": "own: [true]\n",
    }.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    encrypt(*folder.glob("*_vars/*/vault.yml"))
    for inventory in (load(folder), load(folder / "hosts.yml")):
        variables = inventory.variables("h1.example")
        assert dict(variables) == {"pin": 4711, "token": "t0ken", "plain": 2, "own": [True], "public": 1}
        assert [name for name in sorted(variables) if is_secret(variables, name)] == ["own", "pin", "token"]
    plain = load(folder / "hosts.yml").variables("h2")
    assert (plain["pin"], is_secret(plain, "pin"), is_secret(plain, "token")) == (3, False, True)


@pytest.mark.usefixtures("password")
@pytest.mark.parametrize("name", ["hosts.yml", "hosts.toml"])
def test_all_values_of_an_encrypted_inventory_are_secret(tmp_path: Path, name: str) -> None:
    file = tmp_path / name
    yaml, toml = "all: {hosts: {h1: {pin: 4711}}}\n", "[all.hosts.h1]\npin = 4711\n"
    file.write_text(toml if file.suffix == ".toml" else yaml)
    encrypt(file)
    variables = load(file).variables("h1")
    assert (variables["pin"], is_secret(variables, "pin")) == (4711, True)
