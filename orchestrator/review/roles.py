"""The tasks of roles: the modules say what they would do, as in a dry run, and nothing is left out.

A dry run skips tasks whose conditions need facts or results. A review shows them as they are written.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from orchestrator.documents.document import Node
from orchestrator.errors import BadInput, HostError, OrchestratorError
from orchestrator.experiment.model import Role
from orchestrator.hosts.base import Machine
from orchestrator.hosts.inventory.variables import contains_encrypted, is_secret, position_of
from orchestrator.hosts.printing import PrintingHost
from orchestrator.hosts.remote.folder import HostFolder
from orchestrator.provision.bounds import TooMuch, bounded
from orchestrator.provision.checking import NO_LOG
from orchestrator.provision.commands import CommandModule
from orchestrator.provision.loading import load
from orchestrator.provision.module import Caution, ReadOutput
from orchestrator.provision.steps import RoleSteps, Step
from orchestrator.provision.target import Target
from orchestrator.provision.tasks import LoadedRole, Task
from orchestrator.provision.templates import as_node, templates
from orchestrator.review import cautions
from orchestrator.review.machines import LOOKED_AT, machines_alike
from orchestrator.review.model import Entry, distinct
from orchestrator.review.places import shown

HIDDEN = "…"


def entries(role: Role, machines: Sequence[Machine], cache: Path, *, root: bool) -> Iterator[Entry]:
    """Yield the variables of a role and its tasks, in order. ``BadInput`` if its templates take too much.

    What is not the same on all machines is there for each that differs, with the names of the hosts.

    :param machines: those that a run may use.
    :param root: whether the run has root's directory on the host.
    """
    loaded = load(role)
    alike = machines_alike(machines, loaded.defaults)
    shown_for = alike[:LOOKED_AT]
    found = [_on(machine, loaded, cache, root) for machine, _ in shown_for]
    for same_part in zip(*found, strict=True):
        hosts: dict[tuple[Entry, ...], list[str]] = {}
        for part, (_, names) in zip(same_part, shown_for, strict=True):
            hosts.setdefault(part, []).extend(names)
        for part, names in hosts.items():
            on = (f"on {', '.join(names)}",) if len(hosts) > 1 else ()
            yield from (replace(entry, details=(*on, *entry.details)) for entry in part)
    if left := [name for _, names in alike[LOOKED_AT:] for name in names]:
        text = f"role {role.name}: its commands are not shown for {', '.join(left)}: their variables or groups differ"
        yield Entry(text, cautions=("hidden",))


def _on(machine: Machine, loaded: LoadedRole, cache: Path, root: bool) -> list[tuple[Entry, ...]]:
    """Return what a role does on a machine: its variables, then of each task the steps."""
    printed: list[str] = []
    printing = PrintingHost(machine.name, printed.append)
    folder = HostFolder(printing, root=root)
    target = Target(printing, folder.base, cache, folder.sudo, machine.variables, machine.groups)
    steps = RoleSteps(target, loaded)
    role = loaded.role
    try:
        with bounded(f"reviewing role {role.name}"):
            tasks = (*loaded.tasks, *loaded.handlers)
            found = [tuple(_task(task, loaded, steps, printed)) for task in tasks]
    except TooMuch as error:
        raise BadInput(f"{role.folder}: {error}") from None
    return [(_variables(loaded, machine.variables),), *found]


def _variables(loaded: LoadedRole, inventory: Mapping[str, Any]) -> Entry:
    secret = {
        name
        for task in (*loaded.tasks, *loaded.handlers)
        if task.no_log
        for node in (task.arguments, *task.variables.values(), *((task.loop,) if task.loop else ()))
        for name in _names(node)
    }
    values = {name: _written(node) for name, node in loaded.defaults.items()}
    for name in filter(inventory.__contains__, loaded.defaults):
        position = position_of(inventory, name)
        if is_secret(inventory, name) or contains_encrypted(inventory[name]):
            secret.add(name)
        else:
            values[name] = f"{_written(as_node(inventory[name], position))}  ({shown(position)})"
    for name, node in loaded.variables.items():
        values[name] = _written(node)
    role = loaded.role
    return Entry(
        f"role {role.name}: {role.folder}",
        details=(
            *((f"tags: {', '.join(role.tags)}",) if role.tags else ()),
            *(f"variable {name}: {HIDDEN if name in secret else values[name]}" for name in values),
        ),
    )


def _names(arguments: Node) -> Iterator[str]:
    from orchestrator.provision import templating  # imports jinja2, which most roles do not need

    for node in templates(arguments):
        yield from templating.used_names(str(node.content))


def _task(task: Task, loaded: LoadedRole, steps: RoleSteps, printed: list[str]) -> Iterator[Entry]:
    try:
        found = list(steps.of(task))
        if not found:
            yield _unknown(task, loaded, "its loop has no items")
        for step in found:
            yield _unknown(task, loaded) if step is None else _step(step, loaded, steps, printed)
    except OrchestratorError as error:  # such as an inventory whose sudo does not lead to root
        yield _unknown(task, loaded, f"a run would end here: {error}")


def _step(step: Step, loaded: LoadedRole, steps: RoleSteps, printed: list[str]) -> Entry:
    """Return what a step does: the differences that its module plans, and the commands that make them."""
    task = step.task
    if step.why_hidden:
        return _entry(task, loaded, step.name, (step.why_hidden,), (), ("hidden",), step.become)
    context = steps.context(step)
    del printed[:]
    notes: list[str] = []
    try:
        plan = task.module.plan(context, step.arguments, ReadOutput())
        notes += [line for one in plan.differences if not one.texts for line in one.lines()]
        result: Mapping[str, Any] = {}
        if plan.differences or plan.actions:
            result = task.module.apply(context, step.arguments, plan)
        notes += filter(None, (plan.note, str(result.get("note", ""))))
        texts = [line for one in plan.differences if one.texts for line in one.lines()]
    except HostError as error:
        return _unknown(task, loaded, f"cannot be told without the host: {error}")
    commands = tuple(printed)
    details = [note for note in notes if not any(note.endswith(f" → {command}") for command in commands)]
    tells_all = (details or commands) and not any(True for _ in templates(task.arguments))
    written = [] if tells_all else [f"as written: {line}" for line in _lines(task.arguments)]
    return _entry(task, loaded, step.name, (*details, *written), (*commands, *texts), (), step.become)


def _unknown(task: Task, loaded: LoadedRole, why: str = "") -> Entry:
    """Return a task as it is written: what it does, and whether, depends on the host, or a condition is false."""
    if task.no_log:
        return _entry(task, loaded, task.name, (NO_LOG,), (), ("hidden",), bool(task.become))
    why = why or "skipped by its condition, or known only with facts and results of the host"
    written = tuple(_lines(task.arguments))
    become = bool(task.become) or task.module.needs_root
    return _entry(task, loaded, task.name, (why, "as written:"), written, (), become)


def _entry(
    task: Task,
    loaded: LoadedRole,
    name: str,
    details: tuple[str, ...],
    commands: tuple[str, ...],
    more: tuple[Caution, ...],
    become: bool,
) -> Entry:
    in_commands: tuple[Caution, ...] = ()
    if isinstance(task.module, CommandModule):
        own = [*commands, *_lines(task.arguments)] if not task.no_log else []
        in_commands = tuple(cautions.in_commands(own))
    is_handler = task in loaded.handlers
    return Entry(
        f"{loaded.role.name}: {'handler ' if is_handler else ''}{task.module.name}: {name}",
        shown(task.position),
        (*_keywords(task, loaded), *details),
        commands,
        distinct((*(("root",) if become else ()), *task.module.cautions, *in_commands, *more)),
    )


def _keywords(task: Task, loaded: LoadedRole) -> Iterator[str]:
    """Yield what decides whether a task runs, and how its result is judged."""
    if task not in loaded.handlers and not task.is_selected(frozenset(loaded.role.tags), frozenset()):
        yield f"not selected by the tags: {', '.join(sorted(task.tags))}"
    for name, nodes in (
        ("when", task.when),
        ("changed_when", task.changed_when or ()),
        ("failed_when", task.failed_when or ()),
        ("notify", task.notify),
    ):
        if nodes:
            yield f"{name}: {'; '.join(str(node.content) for node in nodes)}"
    if not task.no_log:
        yield from (f"vars {name}: {_written(node)}" for name, node in task.variables.items())
        yield from (f"loop: {_written(node)}" for node in (task.loop,) if node is not None)
    if task.register:
        yield f"register: {task.register}"
    if task.ignore_errors:
        yield "ignore_errors: true"


def _lines(arguments: Node) -> Iterator[str]:
    """Yield the arguments of a task as they are written."""
    if not isinstance(arguments.content, dict):
        yield from _written(arguments).splitlines()
        return
    for key, node in arguments.content.items():
        first, *rest = _written(node).splitlines() or [""]
        yield f"{key}: {first}"
        yield from rest


def _written(node: Node) -> str:
    return str(node.content) if isinstance(node.content, str) else json.dumps(node.data(), ensure_ascii=False)
