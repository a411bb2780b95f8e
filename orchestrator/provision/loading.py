"""Load a role from its directory. All faults of its files are reported together, each with its position."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from orchestrator.documents.document import Node, read_path, read_text
from orchestrator.errors import BadInput, Fault, Position
from orchestrator.experiment import roles as role_folders
from orchestrator.experiment import schemas
from orchestrator.experiment.model import Role
from orchestrator.nearest import did_you_mean
from orchestrator.paths import is_below
from orchestrator.provision.bounds import TooMuch, bounded
from orchestrator.provision.checking import check_names, check_values
from orchestrator.provision.module import Module
from orchestrator.provision.modules import registry
from orchestrator.provision.tasks import KEYWORDS, LoadedRole, Task
from orchestrator.provision.templates import as_node
from orchestrator.source_tree import GENERATED

TASKS_FILE = "tasks.yaml"
HANDLERS_FILE = "handlers.yaml"
DEFAULTS_FILE = "defaults.yaml"

_TASKS: Mapping[str, Any] = {
    "type": "array",
    "title": "a list of tasks",
    "items": {"type": "object", "title": "a task: a name, and a module with its arguments"},
}
_DEFAULTS: Mapping[str, Any] = {
    "type": "object",
    "title": "values by name",
    "propertyNames": KEYWORDS["register"],
}
_ANSIBLE = {
    "with_items": "loop",
    "ansible.builtin.systemd": "service",
    "systemd": "service",
    "apt": "package",
    "dnf": "package",
    "yum": "package",
    "modprobe": "kernel_module",
    "pam_limits": "limits",
    "wait_for": "wait",
    "lineinfile": "template",
    "include_role": "ansible_role",
    "import_role": "ansible_role",
}
"""Names from Ansible that are not supported, and what to use instead."""


def load(role: Role) -> LoadedRole:
    """Read and check the files of a role; each of them is optional. ``BadInput`` lists every fault."""
    faults: list[Fault] = []
    defaults = _defaults(role, faults)
    for name in role.variables:
        if name not in defaults:
            faults.append(
                role.position("vars", name).fault(
                    f"role '{role.name}' has no variable '{name}'; {did_you_mean(name, defaults)}"
                )
            )
    variables = {name: as_node(value, role.position("vars", name)) for name, value in role.variables.items()}
    modules = registry()
    tasks = _tasks(role, TASKS_FILE, modules, faults)
    handlers = _tasks(role, HANDLERS_FILE, modules, faults)
    loaded = LoadedRole(role, defaults, variables, tuple(tasks), tuple(handlers))
    faults += _undefined_handlers(loaded)
    faults += unknown_tags([loaded], {tag: role.position("tags", tag) for tag in role.tags})
    faults += _not_read(role)
    try:
        with bounded("checking its templates"):
            faults += check_names(loaded)
            if not faults:
                faults += check_values(loaded)
    except TooMuch as error:
        faults.append(Position(str(role.folder)).fault(str(error)))
    if not faults:  # a module says it of the links that its task names
        faults += _links_out(role)
    if faults:
        raise BadInput(*dict.fromkeys(faults))
    return loaded


def _not_read(role: Role) -> Iterator[Fault]:
    """Yield a fault for tasks where other programs look for them: such a role would do nothing."""
    for name in ("tasks.yml", "tasks/main.yml", "tasks/main.yaml"):
        path = role.folder / name
        if path.exists() and not (role.folder / TASKS_FILE).exists():
            yield Position(str(path)).fault(
                f"not read: the tasks of a role are in {TASKS_FILE}; a role of Ansible can be applied by ansible_role"
            )


def _links_out(role: Role) -> Iterator[Fault]:
    """Yield a fault for each link out of the role: a bundle would have what it leads to, as would the host.

    What a build has made is in no bundle.
    """
    for path in sorted(role.folder.rglob("*")):
        is_generated = not GENERATED.isdisjoint(path.relative_to(role.folder).parts)
        if path.is_symlink() and not is_generated and not is_below(role.folder, path):
            yield Position(str(path)).fault(f"a link that leads out of {role.folder}")


def check_roles(roles: Iterable[Role]) -> None:
    """Check roles; ``BadInput`` lists every fault of all of them."""
    faults: list[Fault | str] = []
    for role in roles:
        try:
            load(role)
        except BadInput as error:
            faults += error.faults
    if faults:
        raise BadInput(*faults)


def load_named(names: Iterable[str], variables: Iterable[str]) -> list[LoadedRole]:
    """Find and load roles by name. A variable from ``--var`` goes to each role that has it.

    ``BadInput`` lists every fault, also a variable that none of the roles has.
    """
    search_path = role_folders.search_path(Path.cwd() / "experiment.yaml")
    faults: list[Fault | str] = []
    roles = []
    for name in names:
        try:
            roles.append(load(role_folders.find(name, search_path)))
        except BadInput as error:
            faults += error.faults
    for text in variables:
        name, equals, value = text.partition("=")
        position = Position(f"--var {text}")
        if not equals:
            faults.append(position.fault("expected name=value"))
        elif roles and not any(name in role.defaults for role in roles):
            known = {known for role in roles for known in role.defaults}
            faults.append(position.fault(f"unknown variable '{name}'; {did_you_mean(name, known)}"))
        else:
            node = read_text(value, position.file, positions=False)
            roles = [_with_variable(role, name, node) if name in role.defaults else role for role in roles]
    if faults:
        raise BadInput(*faults)
    return [load(role.role) for role in roles]


def _with_variable(loaded: LoadedRole, name: str, value: Node) -> LoadedRole:
    role = replace(
        loaded.role,
        variables={**loaded.role.variables, name: value.data()},
        positions={**loaded.role.positions, ("vars", name): value.position},
    )
    return replace(loaded, role=role)


def changes_host(loaded: LoadedRole) -> bool:
    """Whether a role changes the host outside of the orchestrator's directory."""
    tags = frozenset(loaded.role.tags)
    return any(
        task.become or task.module.changes_host(task.arguments)
        for task in (*loaded.tasks, *loaded.handlers)
        if task in loaded.handlers or task.is_selected(tags, frozenset())
    )


def _read(role: Role, name: str, rules: Mapping[str, Any], faults: list[Fault]) -> Node | None:
    """Read a file of the role; None if it is missing, empty or invalid."""
    path = role.folder / name
    if not os.path.lexists(path):  # a link that leads nowhere is no missing file
        return None
    if path.exists() and not (path.is_file() or path.is_dir()):
        faults.append(Position(str(path)).fault("not a regular file"))
        return None
    try:
        node = read_path(path)
    except BadInput as error:
        faults += [fault for fault in error.faults if isinstance(fault, Fault)]
        return None
    if node.content is None:
        return None
    schema_faults = [fault for _, fault in schemas.check(node, rules)]
    faults += schema_faults
    return None if schema_faults else node


def _defaults(role: Role, faults: list[Fault]) -> dict[str, Node]:
    node = _read(role, DEFAULTS_FILE, _DEFAULTS, faults)
    return dict(node.mapping()) if node else {}


def _tasks(role: Role, name: str, modules: Mapping[str, Module], faults: list[Fault]) -> list[Task]:
    root = _read(role, name, _TASKS, faults)
    tasks = [_task(node, modules, faults) for node in root.items()] if root else []
    return [task for task in tasks if task is not None]


def _task(node: Node, modules: Mapping[str, Module], faults: list[Fault]) -> Task | None:
    before = len(faults)
    keywords = {key: inner for key, inner in node.mapping().items() if key in KEYWORDS}
    keys = [key for key in node.mapping() if key not in KEYWORDS]
    for key in keys:
        if key not in modules:
            faults.append(node.key_position(key).fault(_unknown_key(key, modules)))
    for key, inner in keywords.items():
        faults += [fault for _, fault in schemas.check(inner, KEYWORDS[key])]
    if not keys:
        faults.append(node.position.fault("no module specified in task"))
    if len(keys) > 1 and all(key in modules for key in keys):
        faults.append(node.position.fault(f"conflicting modules: {', '.join(keys)}; a task has exactly one"))
    if len(faults) > before:
        return None
    (key,) = keys
    return Task(
        title=keywords.get("name", Node(node.key_position(key), key, key)),
        module=modules[key],
        arguments=node.mapping()[key],
        position=node.key_position(key),
        when=_conditions(keywords.get("when")) or (),
        loop=keywords.get("loop"),
        register=_text(keywords, "register"),
        notify=tuple(_as_list(keywords.get("notify"))),
        become=keywords["become"].content is True if "become" in keywords else None,
        tags=frozenset(tag.text for tag in _as_list(keywords.get("tags"))),
        variables=keywords["vars"].mapping() if "vars" in keywords else {},
        changed_when=_conditions(keywords.get("changed_when")),
        failed_when=_conditions(keywords.get("failed_when")),
        ignore_errors=_is_true(keywords, "ignore_errors"),
        no_log=_is_true(keywords, "no_log"),
    )


def _unknown_key(key: str, modules: Mapping[str, Module]) -> str:
    short = key.removeprefix("ansible.builtin.").removeprefix("ansible.posix.")
    if short in modules:
        return f"'{key}' is not supported; use '{short}'"
    if short in _ANSIBLE:
        return f"'{key}' is not supported; use '{_ANSIBLE[short]}'"
    return f"unknown module or keyword '{key}'; {did_you_mean(key, [*modules, *KEYWORDS])}"


def _text(keywords: Mapping[str, Node], key: str) -> str:
    return keywords[key].text if key in keywords else ""


def _is_true(keywords: Mapping[str, Node], key: str) -> bool:
    return key in keywords and keywords[key].content is True


def _as_list(node: Node | None) -> list[Node]:
    if node is None:
        return []
    return node.items() if isinstance(node.content, list) else [node]


def _conditions(node: Node | None) -> tuple[Node, ...] | None:
    return None if node is None else tuple(_as_list(node))


def unknown_tags(roles: Iterable[LoadedRole], tags: Mapping[str, Position]) -> Iterator[Fault]:
    """Yield a fault for each tag that no task has."""
    known = {tag for role in roles for task in role.tasks for tag in task.tags} | {"always", "never"}
    for tag, position in tags.items():
        if tag not in known:
            yield position.fault(f"no task has the tag '{tag}'; {did_you_mean(tag, known)}")


def _undefined_handlers(loaded: LoadedRole) -> Iterator[Fault]:
    known = [handler.name for handler in loaded.handlers]
    for task in (*loaded.tasks, *loaded.handlers):
        for node in task.notify:
            if node.text not in known:
                yield node.position.fault(
                    f"handler '{node.text}' not found in {HANDLERS_FILE}; {did_you_mean(node.text, known)}"
                )
