"""Check a role before any host is connected: undefined variables, invalid arguments."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from orchestrator.documents.document import Node
from orchestrator.errors import BadInput, Fault, Position
from orchestrator.experiment import schemas
from orchestrator.experiment.model import Role
from orchestrator.nearest import did_you_mean
from orchestrator.provision import templates
from orchestrator.provision.tasks import LoadedRole, Task
from orchestrator.provision.variables import SPECIAL_VARIABLES, Scope, Unknown, unknown_locations

ITEM = "item"
TEMPLATES = "templates"
NO_LOG = "the output has been hidden due to the fact that 'no_log: true' was specified for this result"
ENCRYPTED = "the output has been hidden due to the fact that a variable is encrypted with ansible-vault"


def why_hidden(task: Task, scope: Scope) -> str:
    """Return why nothing of a task may be shown; empty: it may be shown."""
    return NO_LOG if task.no_log else ENCRYPTED if scope.has_used_secrets else ""


@contextmanager
def hidden_faults(task: Task, scope: Scope) -> Iterator[None]:
    """Say of what is wrong with a task only where it is, if nothing of it may be shown."""
    try:
        yield
    except BadInput as error:
        reason = why_hidden(task, scope)
        if not reason:
            raise
        raise type(error)(task.position.fault(reason)) from None


def check_names(loaded: LoadedRole) -> list[Fault]:
    """Return a fault for every undefined variable in a template or condition."""
    known = {*loaded.defaults, *loaded.variables, *SPECIAL_VARIABLES}
    faults = list(_in_documents(loaded.defaults.values(), known))
    registered: set[str] = set()
    for task in loaded.tasks:
        faults += _task_faults(loaded, task, known | registered)
        registered |= {task.register} - {""}
    for handler in loaded.handlers:
        faults += _task_faults(loaded, handler, known | registered)
    return faults


def _task_faults(loaded: LoadedRole, task: Task, outer: set[str]) -> Iterator[Fault]:
    known = outer | set(task.variables)
    if task.loop is not None:
        yield from _in_documents([task.loop], known)
        known = known | {ITEM}
    with_result = known | ({task.register} - {""}) | {"result"}
    yield from _in_documents([*task.variables.values(), task.title], known)
    yield from _in_conditions(task.when, known)
    yield from _in_conditions((*(task.changed_when or ()), *(task.failed_when or ())), with_result)
    for key, node in _arguments(task):
        if key in task.module.expressions:
            yield from _in_conditions(node.items() if isinstance(node.content, list) else [node], known)
        else:
            yield from _in_documents([node], known)
    yield from _in_template(loaded, task, known)


def _arguments(task: Task) -> Iterator[tuple[str, Node]]:
    """Yield the arguments by name; under an empty name those of a module that takes a single value."""
    if isinstance(task.arguments.content, dict):
        yield from task.arguments.content.items()
    else:
        yield "", task.arguments


def _in_documents(documents: Iterable[Node], known: set[str]) -> Iterator[Fault]:
    for document in documents:
        for node in templates.templates(document):
            yield from _undefined(str(node.content), node.position, known)


def _in_conditions(conditions: Iterable[Node], known: set[str]) -> Iterator[Fault]:
    for node in conditions:
        if templates.is_template(node.content):
            yield node.position.fault("conditions must not include template delimiters such as '{{ }}'")
        elif isinstance(node.content, str):
            yield from _undefined(node.content, node.position, known, expression=True)


def _in_template(loaded: LoadedRole, task: Task, known: set[str]) -> Iterator[Fault]:
    name = task.module.template(task.arguments)
    path = loaded.role.folder / TEMPLATES / name
    if name and not templates.is_template(name) and path.is_file():
        text = path.read_text(encoding="utf-8", errors="replace")
        yield from _undefined(text, Position(str(path), 1, 1), known)


def _undefined(
    text: str, position: Position, known: set[str], *, expression: bool = False
) -> Iterator[Fault]:
    from orchestrator.provision import templating  # imports jinja2, which most roles do not need

    try:
        required = templating.required_names(text, position, expression=expression)
    except BadInput as error:
        yield from (fault for fault in error.faults if isinstance(fault, Fault))
        return
    for name in sorted(required - known):
        at = position if expression else templating.position_of(name, text, position)
        yield at.fault(f"undefined variable '{name}'; {did_you_mean(name, known)}")


def check_values(loaded: LoadedRole) -> list[Fault]:
    """Render what is known without a host, and validate the arguments against the schemas of the modules."""
    scope = Scope(
        [loaded.defaults, loaded.variables],
        {"role_name": loaded.role.name, "role_path": str(loaded.role.folder)},
    )
    faults: list[Fault] = []
    for task in (*loaded.tasks, *loaded.handlers):
        task_scope = scope.with_layer(task.variables)
        try:
            with hidden_faults(task, task_scope):
                if not _is_skipped(task, task_scope):
                    check_arguments(loaded.role, task, render_arguments(task, task_scope, lenient=True))
        except BadInput as error:
            faults += [fault for fault in error.faults if isinstance(fault, Fault)]
    return faults


def _is_skipped(task: Task, scope: Scope) -> bool:
    """Whether a condition is known to be false without a host."""
    for condition in task.when:
        try:
            if not scope.is_true(condition):
                return True
        except templates.UndefinedName:
            continue
    return False


def render_arguments(task: Task, scope: Scope, *, lenient: bool = False) -> Node:
    """Return the arguments of a task with their templates rendered; conditions are left as they are."""
    arguments = task.arguments
    if not isinstance(arguments.content, dict):
        return scope.render_node(arguments, lenient=lenient)
    members = {
        key: node if key in task.module.expressions else scope.render_node(node, lenient=lenient)
        for key, node in arguments.content.items()
    }
    return Node(arguments.position, members, keys=arguments.keys)


def check_arguments(role: Role, task: Task, arguments: Node) -> None:
    """Validate rendered arguments; ``BadInput`` lists every fault. Values that are not known yet are not checked."""
    faults = _argument_faults(role, task, arguments)
    if faults:
        raise BadInput(*faults)


def _argument_faults(role: Role, task: Task, arguments: Node) -> list[Fault]:
    unknown = list(unknown_locations(arguments))
    faults = [
        fault
        for location, fault in schemas.check(arguments, task.module.arguments)
        if not any(location[: len(at)] == at for at in unknown)
    ]
    if faults or isinstance(arguments.content, Unknown):
        return faults
    return [node.position.fault(message) for node, message in task.module.faults(role, arguments)]
