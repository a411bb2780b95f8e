"""``ansible_role``: a role of Ansible's, applied by ansible-runner (the extra ``ansible``). The host needs a Python.

What such a role changes stays; only our own modules record what was there before.
"""

from __future__ import annotations

import importlib.util
import json
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar

from orchestrator.documents.document import Node
from orchestrator.errors import HostError
from orchestrator.experiment.model import Role
from orchestrator.hosts.command import Command
from orchestrator.provision.module import Context, Difference, Module, ReadOutput, TaskPlan
from orchestrator.provision.templating import is_template

FOLDER = "files"


class AnsibleRole(Module):
    """``ansible_role: {name: geerlingguy.ntp, vars: {ntp_enabled: true}}``."""

    name = "ansible_role"
    reads_back: ClassVar[bool] = False
    opaque: ClassVar[bool] = True
    arguments: Mapping[str, Any] = {
        "type": "object",
        "additionalProperties": False,
        "required": ["name"],
        "properties": {
            "name": {
                "description": "A role below this role's files/, or one that Ansible finds by itself.",
                "type": "string",
                "minLength": 1,
            },
            "vars": {"description": "Its variables.", "type": "object"},
        },
    }

    def changes_host(self, arguments: Node) -> bool:
        """Nobody knows what it does."""
        return True

    def faults(self, role: Role, arguments: Node) -> Iterator[tuple[Node, str]]:
        """The library must be there, and a role that is named by a path."""
        if importlib.util.find_spec("ansible_runner") is None:
            yield (
                arguments,
                "needs ansible-runner, which is not installed; try: pip install 'migration-orchestrator[ansible]'",
            )
        name = arguments.mapping()["name"]
        if (
            "/" in name.text
            and not is_template(name.content)
            and not (role.folder / FOLDER / name.text).is_dir()
        ):
            yield name, f"there is no folder '{name.text}' in {role.folder / FOLDER}"

    def read(self, context: Context, arguments: Node) -> Command | None:
        """Ansible reads by itself."""
        return None

    def plan(self, context: Context, arguments: Node, answer: ReadOutput) -> TaskPlan:
        """What Ansible's own check says in check mode; else that it will be asked."""
        if context.check and context.host.answers:
            return TaskPlan(_run(context, arguments.data()))
        return TaskPlan((Difference(f"ansible role {arguments.data()['name']}", "not applied", "applied"),))

    def apply(self, context: Context, arguments: Node, plan: TaskPlan) -> Mapping[str, Any]:
        """Let Ansible apply it."""
        if not context.host.answers:
            return {"note": "by ansible-runner, on the controller"}
        differences = _run(context, arguments.data())
        return {"changed": bool(differences), "differences": differences}


def _run(context: Context, data: Mapping[str, Any]) -> tuple[Difference, ...]:
    """Run Ansible; return what it says it changed, or would. ``HostError`` with the first task that failed."""
    import ansible_runner

    inside = context.role.folder / FOLDER / data["name"]
    play = {
        "hosts": "all",
        "become": context.become,
        "roles": [{"role": str(inside) if inside.is_dir() else data["name"], "vars": data.get("vars", {})}],
    }
    reached = {key: value for key, value in context.variables.items() if key.startswith("ansible_")}
    inventory = {"all": {"hosts": {context.host.name: {**reached, **context.host.ansible}}}}
    with tempfile.TemporaryDirectory() as folder:
        for name, content in (("project/play.json", [play]), ("inventory/hosts.json", inventory)):
            path = Path(folder) / name
            path.parent.mkdir()
            path.write_text(json.dumps(content))
        done = ansible_runner.run(
            private_data_dir=folder,
            playbook="play.json",
            quiet=True,
            cmdline="--check" if context.check else None,
            envvars={"ANSIBLE_RETRY_FILES_ENABLED": "0"},
        )
        events = list(done.events)
    changed = [
        event for event in events if event["event"] == "runner_on_ok" and _result(event).get("changed")
    ]
    if done.rc:
        bad = [e for e in events if e["event"] in ("runner_on_failed", "runner_on_unreachable")]
        told = [f"{_task(event)}: {_result(event).get('msg', 'failed')}" for event in bad]
        first = f"Ansible: {(told or [_last_line(events)])[0]}".splitlines()[0]
        hint = " (which Python the host has, ansible_python_interpreter in the inventory says)"
        raise HostError(first + (hint if "Gathering Facts" in first else ""))
    return tuple(Difference(f"ansible: {_task(event)}", "as it was", "changed") for event in changed)


def _task(event: Mapping[str, Any]) -> str:
    return str(event["event_data"].get("task", "?"))


def _result(event: Mapping[str, Any]) -> Mapping[str, Any]:
    result: Mapping[str, Any] = event["event_data"].get("res", {})
    return result


def _last_line(events: list[Mapping[str, Any]]) -> str:
    lines = [line for event in events for line in str(event.get("stdout", "")).splitlines() if line.strip()]
    return lines[-1] if lines else "failed without a word"


MODULES = (AnsibleRole(),)
