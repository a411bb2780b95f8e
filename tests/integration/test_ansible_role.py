"""A role of Ansible over SSH, if the extra ``ansible`` is installed."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.integration.sshd import Sshd
from tests.running import User

pytest.importorskip("ansible_runner")

TASKS = """
- name: theirs
  ansible_role: {name: ./demo, vars: {word: "{{ word }}", place: "{{ place }}"}}
"""
THEIRS = """
- name: a file
  copy: {content: "{{ word }}", dest: "{{ place }}/said"}
"""


def test_a_role_is_checked_applied_and_reported(user: User, sshd: Sshd, tmp_path: Path) -> None:
    files = {
        "tasks.yaml": TASKS,
        "defaults.yaml": f"word: hi\nplace: {tmp_path}\n",
        "files/demo/tasks/main.yml": THEIRS,
    }
    for name, text in files.items():
        path = user.folder / "roles" / "mine" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    inventory = user.folder / "hosts.ini"
    inventory.write_text(
        f"n1 ansible_host=127.0.0.1 ansible_port={sshd.port} ansible_user={sshd.address.user}"
        f" ansible_ssh_private_key_file={sshd.folder}/user_key known_hosts_file={sshd.folder}/known_hosts"
        " ansible_python_interpreter=/usr/bin/python3\n"
    )
    words = ("role", "apply", "mine", "--host", "n1", "--inventory", inventory)
    checked = user.orchestrate(*words, "--check")
    assert checked.code == 0, checked.err
    assert not (tmp_path / "said").exists()
    first = user.orchestrate(*words)
    assert first.code == 0, first.err
    assert "    ansible: a file: unchanged → changed" in first.out
    assert "    ansible: a file: unchanged → changed" in checked.out
    assert (tmp_path / "said").read_text() == "hi"
    second = user.orchestrate(*words)
    assert "0 changed, 1 unchanged" in second.out
