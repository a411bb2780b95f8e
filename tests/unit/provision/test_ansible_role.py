"""``ansible_role`` with a scripted ansible-runner: the request to Ansible, and the use of its events."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from orchestrator.errors import BadInput, HostError
from orchestrator.experiment.model import Role
from orchestrator.extras import installation
from orchestrator.hosts.inventory.variables import EncryptedValue
from orchestrator.hosts.testing import ScriptedHost
from orchestrator.provision.engine import run_role
from orchestrator.provision.loading import load
from orchestrator.provision.module import TaskResult
from orchestrator.provision.target import Target

TASKS = "- {name: theirs, ansible_role: {name: ./demo, vars: {word: hi}}, become: true}\n"


class ReachableHost(ScriptedHost):
    @property
    def ansible(self) -> Mapping[str, Any]:
        return {"ansible_host": "192.0.2.1"}


def event(kind: str, task: str, **result: Any) -> dict[str, Any]:
    return {"event": kind, "event_data": {"task": task, "res": result}}


@pytest.fixture
def runner(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """The arguments of the call of ansible-runner; ``rc`` and ``events`` are its results."""
    runner: dict[str, Any] = {"rc": 0, "events": [event("runner_on_ok", "same", changed=False)]}

    def run(private_data_dir: str, **words: Any) -> SimpleNamespace:
        runner.update(words)
        folder = Path(private_data_dir)
        runner["play"] = json.loads((folder / "project" / "play.json").read_text())[0]
        runner["inventory"] = json.loads((folder / "inventory" / "hosts.json").read_text())
        return SimpleNamespace(rc=runner["rc"], events=iter(runner["events"]))

    module = ModuleType("ansible_runner")
    module.__spec__ = SimpleNamespace(name="ansible_runner")  # type: ignore[assignment]
    module.run = run  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "ansible_runner", module)
    return runner


def run(folder: Path, *, check: bool = False, host: ScriptedHost | None = None) -> TaskResult:
    (folder / "files" / "demo").mkdir(parents=True, exist_ok=True)
    (folder / "tasks.yaml").write_text(TASKS)
    target = Target(
        host or ReachableHost("n1"),
        "/base",
        folder,
        check=check,
        variables={
            "ansible_python_interpreter": "/usr/bin/python3",
            "ansible_ssh_host": "elsewhere",
            "ansible_become_password": EncryptedValue("$ANSIBLE_VAULT;1.1"),
            "other": 1,
        },
    )
    (result,) = run_role(target, load(Role("r", folder)))
    return result


def test_the_request_to_ansible(runner: dict[str, Any], tmp_path: Path) -> None:
    assert run(tmp_path).status == "ok"
    assert runner["play"]["become"] is True
    assert runner["play"]["roles"] == [{"role": str(tmp_path / "files" / "demo"), "vars": {"word": "hi"}}]
    assert runner["inventory"] == {
        "all": {
            "hosts": {
                "n1": {
                    "ansible_host": "192.0.2.1",
                    "ansible_python_interpreter": "/usr/bin/python3",
                    "ansible_become_password": {"__ansible_vault": "$ANSIBLE_VAULT;1.1"},
                }
            }
        }
    }
    assert runner["cmdline"] is None


def test_changes_are_reported(runner: dict[str, Any], tmp_path: Path) -> None:
    runner["events"].append(event("runner_on_ok", "a file", changed=True))
    result = run(tmp_path)
    assert result.changed
    assert [str(difference) for difference in result.differences] == ["ansible: a file: unchanged → changed"]
    assert run(tmp_path, check=True).differences == result.differences
    assert runner["cmdline"] == "--check"


def test_a_failure_is_one_line(runner: dict[str, Any], tmp_path: Path) -> None:
    runner["rc"] = 2
    runner["events"].append(event("runner_on_failed", "a file", msg="no space left\non device"))
    with pytest.raises(HostError) as caught:
        run(tmp_path)
    assert str(caught.value) == "n1: role r: theirs: ansible: TASK [a file]: no space left"


def test_a_host_without_ssh(runner: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(HostError, match="n1: role r: theirs: Ansible roles need a host with SSH"):
        run(tmp_path, host=ScriptedHost("n1"))


def test_without_ansible_runner(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(BadInput) as caught:
        run(tmp_path)
    (line,) = str(caught.value).splitlines()
    assert line.endswith(
        "tasks.yaml:1:32: ansible-runner is not installed; install it with: " + installation("ansible")
    )
