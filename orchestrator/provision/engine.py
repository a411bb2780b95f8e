"""Roles: from ``tasks.yaml`` to tasks, and from tasks to a host in the state that they describe."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from orchestrator.errors import BadInput, Fault
from orchestrator.hosts.base import Host
from orchestrator.nearest import did_you_mean
from orchestrator.provision.modules import registry
from orchestrator.provision.tasks import Context, Module, Outcome, Task
from orchestrator.spec import document, schema
from orchestrator.spec.model import Role

log = logging.getLogger(__name__)

TASKS_FILE = "tasks.yaml"
TASKS_SCHEMA: Mapping[str, Any] = {
    "type": "array",
    "title": "a list of tasks",
    "items": {"type": "object", "title": "a task: a name, and a module with its arguments"},
}


def provision(host: Host, base: str, role: Role, cache: Path, *, sudo: bool = False) -> list[Outcome]:
    """Bring a host to the state that a role describes, task by task; return what each did, in order."""
    context = Context(host, base, role, cache, sudo)
    modules = registry()
    outcomes = []
    for task in load_tasks(role, modules):
        outcome = modules[task.module].apply(context, task.arguments)
        word = "changed" if outcome.changed else "unchanged"
        log.info("%s: %s: %s: %s (%s)", host.name, role.name, task.name, word, outcome.detail)
        outcomes.append(outcome)
    return outcomes


def load_tasks(role: Role, modules: Mapping[str, Module]) -> list[Task]:
    """Read a role's tasks; a role without ``tasks.yaml`` has none. ``BadInput`` with every fault of the file."""
    path = role.folder / TASKS_FILE
    if not path.exists():
        return []
    root = document.read_text(path.read_text(encoding="utf-8"), str(path))
    faults: list[Fault] = [fault for _, fault in schema.check(root, TASKS_SCHEMA)]
    tasks = []
    for node in root.items() if not faults else ():
        keys = [key for key in node.mapping() if key != "name"]
        unknown = [key for key in keys if key not in modules]
        faults += [
            node.key_place(key).fault(f"no task module '{key}'; {did_you_mean(key, modules)}")
            for key in unknown
        ]
        if len(keys) != 1:
            faults.append(node.place.fault(f"a task names one module; this one names {len(keys)}"))
        elif not unknown:
            inner = node.get(keys[0])
            assert inner is not None
            faults += [fault for _, fault in schema.check(inner, modules[keys[0]].arguments)]
            name = node.get("name")
            tasks.append(Task(str(name.data()) if name else keys[0], keys[0], inner.data()))
    if faults:
        raise BadInput(*faults)
    return tasks
