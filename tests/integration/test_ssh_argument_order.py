"""Of options that contradict each other ``ssh`` takes the first: those of Ansible, in the order of its command line."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from orchestrator.hosts.inventory.inventory import load
from orchestrator.hosts.ssh.configuration import resolve

pytest.importorskip("ansible")

WORDS = ("port", "user", "connecttimeout", "stricthostkeychecking", "identityfile")
HOSTS = {
    "alone": "ansible_port=1001",
    "port-in-args": "ansible_port=1001 ansible_ssh_args='-o Port=1002'",
    "short-port-in-args": "ansible_port=1001 ansible_ssh_args='-p 1002'",
    "port-in-common-args": "ansible_port=1001 ansible_ssh_common_args='-o Port=1002'",
    "short-port-in-common-args": "ansible_port=1001 ansible_ssh_common_args=-p1002",
    "port-in-extra-args": "ansible_port=1001 ansible_ssh_extra_args='-o Port=1002'",
    "no-ansible-port": "ansible_ssh_common_args='-p 1002' ansible_ssh_extra_args='-p 1003'",
    "all-of-them": "ansible_ssh_args='-p 1' ansible_ssh_common_args='-p 2' ansible_ssh_extra_args='-p 3'",
    "user-in-args": "ansible_user=one ansible_ssh_args='-l two'",
    "user-in-common-args": "ansible_user=one ansible_ssh_common_args='-o User=two'",
    "keys": "ansible_ssh_private_key_file=/one ansible_ssh_args='-i /two' ansible_ssh_extra_args='-i /three'",
    "checking": "ansible_host_key_checking=False ansible_ssh_args='-o StrictHostKeyChecking=ask'",
    "checking-later": "ansible_host_key_checking=False ansible_ssh_common_args='-o StrictHostKeyChecking=ask'",
    "timeout": "ansible_ssh_timeout=7 ansible_ssh_args='-o ConnectTimeout=8'",
    "timeout-later": "ansible_ssh_timeout=7 ansible_ssh_common_args='-o ConnectTimeout=8'",
    "file": "ansible_port=1001 ansible_ssh_args='-F {folder}/config' ansible_user=one",
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with an inventory, and with the words that Ansible calls ``ssh`` with, by host."""
    folder = tmp_path_factory.mktemp("ansible")
    (folder / "config").write_text("Port 1003\nUser three\n")
    lines = [f"{name} {variables.format(folder=folder)}" for name, variables in HOSTS.items()]
    (folder / "hosts").write_text("\n".join(lines) + "\n")
    recorder = folder / "ssh"
    program = 'for word; do echo "$word"; done > "$(mktemp "${0%/*}/called.XXXXXX")"'
    recorder.write_text(f"#!/bin/sh\n{program}\n")
    recorder.chmod(0o755)
    config = folder / "ansible.cfg"
    config.write_text(f"[ssh_connection]\nssh_executable = {recorder}\n")
    words = ["-m", "ansible", "adhoc", "-i", str(folder / "hosts"), "all", "-m", "raw", "-a", "true"]
    environment = {**os.environ, "ANSIBLE_CONFIG": str(config), "ANSIBLE_HOME": str(folder / "home")}
    subprocess.run([sys.executable, *words], env=environment, capture_output=True, check=True, cwd=folder)
    return folder


@pytest.mark.parametrize("name", HOSTS)
def test_the_first_option_counts_as_with_ansible(folder: Path, name: str) -> None:
    calls = [path.read_text().splitlines() for path in folder.glob("called.*")]
    (call,) = (words for words in calls if name in words)
    done = subprocess.run(
        ["ssh", "-G", *call[: call.index(name) + 1]], capture_output=True, text=True, check=True
    )
    expected = [line for line in done.stdout.splitlines() if line.split()[0] in WORDS]
    ours = resolve(load(folder / "hosts").address(name))
    found = [f"{word} {value}" for word in WORDS for value in ours.values.get(word, ())]
    if "timeout" not in name:  # Ansible's default of 10 s is its own
        expected = [line for line in expected if not line.startswith("connecttimeout")]
        found = [line for line in found if not line.startswith("connecttimeout")]
    assert sorted(found) == sorted(expected), shlex.join(call)
