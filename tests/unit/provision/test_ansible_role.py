"""``ansible_role`` on a runner of paper: what Ansible is asked for, and what becomes of its answers."""

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
from orchestrator.hosts.testing import ScriptedHost
from orchestrator.provision.engine import Target, run_role
from orchestrator.provision.loading import load
from orchestrator.provision.module import TaskResult

TASKS = "- {name: theirs, ansible_role: {name: ./demo, vars: {word: hi}}, become: true}\n"


class ReachableHost(ScriptedHost):
    @property
    def ansible(self) -> Mapping[str, Any]:
        return {"ansible_host": "192.0.2.1"}


def event(kind: str, task: str, **result: Any) -> dict[str, Any]:
    return {"event": kind, "event_data": {"task": task, "res": result}}


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What the runner was asked for; ``rc`` and ``events`` are what it answers."""
    asked: dict[str, Any] = {"rc": 0, "events": [event("runner_on_ok", "same", changed=False)]}

    def run(private_data_dir: str, **words: Any) -> SimpleNamespace:
        asked.update(words)
        folder = Path(private_data_dir)
        asked["play"] = json.loads((folder / "project" / "play.json").read_text())[0]
        asked["inventory"] = json.loads((folder / "inventory" / "hosts.json").read_text())
        return SimpleNamespace(rc=asked["rc"], events=iter(asked["events"]))

    module = ModuleType("ansible_runner")
    module.__spec__ = SimpleNamespace(name="ansible_runner")  # type: ignore[assignment]
    module.run = run  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "ansible_runner", module)
    return asked


def run(folder: Path, *, check: bool = False, host: ScriptedHost | None = None) -> TaskResult:
    (folder / "files" / "demo").mkdir(parents=True, exist_ok=True)
    (folder / "tasks.yaml").write_text(TASKS)
    target = Target(
        host or ReachableHost("n1"),
        "/base",
        folder,
        check=check,
        variables={"ansible_python_interpreter": "/usr/bin/python3", "other": 1},
    )
    (outcome,) = run_role(target, load(Role("r", folder)))
    return outcome


def test_what_ansible_is_asked_for(asked: dict[str, Any], tmp_path: Path) -> None:
    assert run(tmp_path).status == "ok"
    assert asked["play"]["become"] is True
    assert asked["play"]["roles"] == [{"role": str(tmp_path / "files" / "demo"), "vars": {"word": "hi"}}]
    assert asked["inventory"] == {
        "all": {
            "hosts": {"n1": {"ansible_host": "192.0.2.1", "ansible_python_interpreter": "/usr/bin/python3"}}
        }
    }
    assert asked["cmdline"] is None


def test_what_it_changed_is_told(asked: dict[str, Any], tmp_path: Path) -> None:
    asked["events"].append(event("runner_on_ok", "a file", changed=True))
    outcome = run(tmp_path)
    assert outcome.changed
    assert [str(difference) for difference in outcome.differences] == ["ansible: a file: as it was → changed"]
    assert run(tmp_path, check=True).differences == outcome.differences
    assert asked["cmdline"] == "--check"


def test_what_failed_is_one_line(asked: dict[str, Any], tmp_path: Path) -> None:
    asked["rc"] = 2
    asked["events"].append(event("runner_on_failed", "a file", msg="no room\nat all"))
    with pytest.raises(HostError) as caught:
        run(tmp_path)
    assert str(caught.value) == "n1: role r: theirs: Ansible: a file: no room"


def test_a_host_that_ansible_cannot_reach(asked: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(HostError, match="n1: role r: theirs: this kind of host cannot be reached by Ansible"):
        run(tmp_path, host=ScriptedHost("n1"))


def test_where_it_is_not_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(BadInput) as caught:
        run(tmp_path)
    (line,) = str(caught.value).splitlines()
    assert line.endswith(
        "tasks.yaml:1:32: needs ansible-runner, which is not installed; "
        "try: pip install 'migration-orchestrator[ansible]'"
    )
