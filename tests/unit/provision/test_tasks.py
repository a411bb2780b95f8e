"""Roles' tasks: read with all their faults, and carried out in order."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestrator.errors import BadInput, HostError
from orchestrator.hosts.testing import ScriptedHost
from orchestrator.provision.engine import load_tasks, provision
from orchestrator.provision.modules import registry
from orchestrator.spec.model import Role


def role(tmp_path: Path, text: str) -> Role:
    (tmp_path / "tasks.yaml").write_text(text)
    return Role("r", tmp_path)


def test_tasks_in_order_with_their_arguments(tmp_path: Path) -> None:
    tasks = load_tasks(
        role(tmp_path, "- {name: first, command: {argv: [a, b c]}}\n- command: {argv: [d]}\n"), registry()
    )
    assert [(task.name, task.module, task.arguments["argv"]) for task in tasks] == [
        ("first", "command", ["a", "b c"]),
        ("command", "command", ["d"]),
    ]


def test_a_role_without_tasks(tmp_path: Path) -> None:
    assert load_tasks(Role("r", tmp_path), registry()) == []


@pytest.mark.parametrize(
    ("text", "faults"),
    [
        ("- {name: x, comand: {argv: [a]}}", ["1:13: no task module 'comand'; did you mean 'command'?"]),
        ("- {name: x}", ["1:3: a task names one module; this one names 0"]),
        ("- {command: {argv: [a]}, build: {}}", ["1:3: a task names one module; this one names 2"]),
        ("- {command: {}}", ["1:13: ", "argv"]),
        ("- command:\n    argv: []\n    beocme: true\n", ["2:11: ", "3:5: ", "did you mean 'become'?"]),
        ("- zzz: {}\n- qqq: {}\n", ["1:3: no task module 'zzz'", "2:3: no task module 'qqq'"]),
        ("a: b", ["1:1: "]),
        ("- [", ["tasks.yaml:"]),
    ],
)
def test_all_faults_with_their_places(tmp_path: Path, text: str, faults: list[str]) -> None:
    with pytest.raises(BadInput) as caught:
        load_tasks(role(tmp_path, text), registry())
    for fault in faults:
        assert fault in str(caught.value)
    assert all(line.startswith(str(tmp_path / "tasks.yaml")) for line in str(caught.value).splitlines())


def test_a_command_is_run_unless_what_it_creates_is_there(tmp_path: Path) -> None:
    host = ScriptedHost()
    host.answer("^test -e /there", exit_code=0)
    host.answer("^test -e /missing", exit_code=1)
    tasks = (
        "- command: {argv: [make, a b], creates: /there}\n- command: {argv: [make, c], creates: /missing}\n"
    )
    outcomes = provision(host, "/base", role(tmp_path, tasks), tmp_path)
    assert [outcome.changed for outcome in outcomes] == [False, True]
    assert host.commands == ["test -e /there", "test -e /missing", "make c"]


def test_a_task_that_fails_ends_the_role(tmp_path: Path) -> None:
    host = ScriptedHost("n1")
    host.answer("^false", exit_code=1, stderr="no luck")
    with pytest.raises(HostError, match=r"n1: exit code 1 from false: no luck"):
        provision(
            host,
            "/base",
            role(tmp_path, "- command: {argv: ['false']}\n- command: {argv: [later]}\n"),
            tmp_path,
        )
    assert "later" not in host.commands


def test_a_host_of_another_architecture_without_a_compiler(tmp_path: Path) -> None:
    host = ScriptedHost("n1")
    host.answer("command -v make", exit_code=127)
    host.answer("^uname -m", stdout="riscv128\n")
    (tmp_path / "files").mkdir()
    text = "- build: {source: files, program: p, makes: p, static_target: static, static_makes: p-static}\n"
    with pytest.raises(
        HostError, match=r"n1: no C compiler there.*riscv128 there\); install make and a C compiler on n1"
    ):
        provision(host, "/base", role(tmp_path, text), tmp_path)
