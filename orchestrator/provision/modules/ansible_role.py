"""``ansible_role``: a role of Ansible, applied by ansible-runner (the extra ``ansible``). The host needs Python.

The changes of such a role stay. Only the modules of this package record what was there before.
"""

from __future__ import annotations

import importlib.util
import json
import os
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar

from orchestrator.documents.document import Node
from orchestrator.errors import HostError
from orchestrator.experiment.model import Role
from orchestrator.extras import installation
from orchestrator.hosts.command import Command
from orchestrator.hosts.inventory.variables import EncryptedValue
from orchestrator.provision import confinement
from orchestrator.provision.module import Caution, Context, Difference, Module, ReadOutput, TaskPlan
from orchestrator.provision.templates import is_template

FOLDER = "files"
_DECIDED = frozenset({"ansible_ssh_host", "ansible_ssh_port", "ansible_ssh_user"})
"""Old names, which take precedence over the ones that :attr:`Host.ansible` sets."""


class AnsibleRole(Module):
    """``ansible_role: {name: geerlingguy.ntp, vars: {ntp_enabled: true}}``."""

    name = "ansible_role"
    cautions: ClassVar[tuple[Caution, ...]] = ("controller",)
    reads_back: ClassVar[bool] = False
    ends_read_ahead: ClassVar[bool] = True
    becomes_itself: ClassVar[bool] = True
    arguments: Mapping[str, Any] = {
        "type": "object",
        "additionalProperties": False,
        "required": ["name"],
        "properties": {
            "name": {
                "description": "A role below this role's files/, or one that Ansible finds.",
                "type": "string",
                "minLength": 1,
            },
            "vars": {"description": "Its variables.", "type": "object"},
        },
    }

    def changes_host(self, arguments: Node) -> bool:
        """What an Ansible role changes is unknown in advance."""
        return True

    def faults(self, role: Role, arguments: Node) -> Iterator[tuple[Node, str]]:
        """ansible-runner must be installed, and a role that is given as a path must exist."""
        if importlib.util.find_spec("ansible_runner") is None:
            yield (
                arguments,
                f"ansible-runner is not installed; install it with: {installation('ansible')}",
            )
        name = arguments.mapping()["name"]
        path = role.folder / FOLDER / name.text
        if led_out := [*confinement.faults(role.folder / FOLDER, arguments, ("name",), "the role's files/")]:
            yield from led_out
        elif "/" in name.text and not is_template(name.content) and not path.is_dir():
            yield name, f"{path}: no such directory"

    def read(self, context: Context, arguments: Node) -> Command | None:
        """Return None: Ansible reads the state itself."""
        return None

    def plan(self, context: Context, arguments: Node, output: ReadOutput) -> TaskPlan:
        """In check mode, run Ansible's own check mode; otherwise plan to apply the role."""
        if context.check and context.host.executes:
            return TaskPlan(_run(context, arguments.data()))
        return TaskPlan((Difference(f"ansible role {arguments.data()['name']}", "not applied", "applied"),))

    def apply(self, context: Context, arguments: Node, plan: TaskPlan) -> Mapping[str, Any]:
        """Apply the role with Ansible."""
        if not context.host.executes:
            return {"note": "run by ansible-runner on the controller"}
        differences = _run(context, arguments.data())
        return {"changed": bool(differences), "differences": differences}


def _run(context: Context, data: Mapping[str, Any]) -> tuple[Difference, ...]:
    """Run Ansible; return what it changed, or in check mode would change. ``HostError`` names the first failed task."""
    import ansible_runner

    bundled = context.role.folder / FOLDER / data["name"]
    play = {
        "hosts": "all",
        "become": context.become,
        "roles": [{"role": str(bundled) if bundled.is_dir() else data["name"], "vars": data.get("vars", {})}],
    }
    connection = {
        key: _for_ansible(value)
        for key, value in context.variables.items()
        if key.startswith("ansible_") and key not in _DECIDED
    }
    inventory = {"all": {"hosts": {context.host.name: {**connection, **context.host.ansible}}}}
    with tempfile.TemporaryDirectory() as folder:
        for name, content in (("project/play.json", [play]), ("inventory/hosts.json", inventory)):
            path = Path(folder) / name
            path.parent.mkdir()
            path.write_text(json.dumps(content))
        run = ansible_runner.run(
            private_data_dir=folder,
            playbook="play.json",
            quiet=True,
            cmdline="--check" if context.check else None,
            envvars={"ANSIBLE_RETRY_FILES_ENABLED": "0", "PATH": _path()},
        )
        events = list(run.events)
    changed = [
        event for event in events if event["event"] == "runner_on_ok" and _result(event).get("changed")
    ]
    if run.rc:
        failed = [e for e in events if e["event"] in ("runner_on_failed", "runner_on_unreachable")]
        messages = [f"TASK [{_task(event)}]: {_result(event).get('msg', 'failed')}" for event in failed]
        message = f"ansible: {(messages or [_last_line(events)])[0]}".splitlines()[0]
        hint = " (set ansible_python_interpreter in the inventory if Python was not found)"
        raise HostError(message + (hint if "Gathering Facts" in message else ""))
    return tuple(Difference(f"ansible: {_task(event)}", "unchanged", "changed") for event in changed)


def _path() -> str:
    """Return ``PATH`` with the directory of Ansible's programs: they may be in a venv that is not activated."""
    from orchestrator.hosts.inventory import ansible

    playbook = ansible.program("ansible-playbook")
    folders = [str(Path(playbook).parent)] if playbook else []
    return os.pathsep.join([*folders, os.environ.get("PATH", os.defpath)])


def _for_ansible(value: Any) -> Any:
    """Return a value of the inventory in Ansible's JSON."""
    if isinstance(value, Mapping):
        return {key: _for_ansible(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_for_ansible(inner) for inner in value]
    return {"__ansible_vault": value.text} if isinstance(value, EncryptedValue) else value


def _task(event: Mapping[str, Any]) -> str:
    return str(event["event_data"].get("task", "?"))


def _result(event: Mapping[str, Any]) -> Mapping[str, Any]:
    result: Mapping[str, Any] = event["event_data"].get("res", {})
    return result


def _last_line(events: list[Mapping[str, Any]]) -> str:
    lines = [line for event in events for line in str(event.get("stdout", "")).splitlines() if line.strip()]
    return lines[-1] if lines else "failed without output"


MODULES = (AnsibleRole(),)
