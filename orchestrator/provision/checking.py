"""What can be said against a role before any host is asked: names without a value, arguments that cannot be right."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from orchestrator.documents.document import Node
from orchestrator.errors import BadInput, Fault, Position
from orchestrator.experiment import schemas
from orchestrator.experiment.model import Role
from orchestrator.nearest import did_you_mean
from orchestrator.provision import templating
from orchestrator.provision.tasks import LoadedRole, Task
from orchestrator.provision.variables import GIVEN, Scope, Unknown, unknowns

ITEM = "item"
TEMPLATES = "templates"


def check_names(loaded: LoadedRole) -> list[Fault]:
    """Every name that a template or condition uses and nobody gives a value."""
    known = {*loaded.defaults, *loaded.variables, *GIVEN}
    faults = list(_in_documents(loaded.defaults.values(), known))
    registered: set[str] = set()
    for task in loaded.tasks:
        faults += _in_task(loaded, task, known | registered)
        registered |= {task.register} - {""}
    for handler in loaded.handlers:
        faults += _in_task(loaded, handler, known | registered)
    return faults


def _in_task(loaded: LoadedRole, task: Task, outer: set[str]) -> Iterator[Fault]:
    known = outer | set(task.variables)
    if task.loop is not None:
        yield from _in_documents([task.loop], known)
        known = known | {ITEM}
    own = known | ({task.register} - {""}) | {"result"}
    yield from _in_documents([*task.variables.values(), task.title], known)
    yield from _in_conditions(task.when, known)
    yield from _in_conditions((*(task.changed_when or ()), *(task.failed_when or ())), own)
    for key, node in _argument_parts(task):
        if key in task.module.expressions:
            yield from _in_conditions(node.items() if isinstance(node.content, list) else [node], known)
        else:
            yield from _in_documents([node], known)
    yield from _in_template(loaded, task, known)


def _argument_parts(task: Task) -> Iterator[tuple[str, Node]]:
    if isinstance(task.arguments.content, dict):
        yield from task.arguments.content.items()
    else:
        yield "", task.arguments


def _in_documents(documents: Iterable[Node], known: set[str]) -> Iterator[Fault]:
    for document in documents:
        for node in templating.texts(document):
            yield from _unknown(str(node.content), node.position, known)


def _in_conditions(conditions: Iterable[Node], known: set[str]) -> Iterator[Fault]:
    for node in conditions:
        if templating.is_template(node.content):
            yield node.position.fault("is a condition already; leave the braces out")
        elif isinstance(node.content, str):
            yield from _unknown(node.content, node.position, known, expression=True)


def _in_template(loaded: LoadedRole, task: Task, known: set[str]) -> Iterator[Fault]:
    name = task.module.template(task.arguments)
    path = loaded.role.folder / TEMPLATES / name
    if name and not templating.is_template(name) and path.is_file():
        text = path.read_text(encoding="utf-8", errors="replace")
        yield from _unknown(text, Position(str(path), 1, 1), known)


def _unknown(text: str, position: Position, known: set[str], *, expression: bool = False) -> Iterator[Fault]:
    try:
        used = templating.names(text, position, expression=expression)
    except BadInput as error:
        yield from (fault for fault in error.faults if isinstance(fault, Fault))
        return
    for name in sorted(used - known):
        at = position if expression else templating.position_of(name, text, position)
        yield at.fault(f"'{name}' is not a variable here; {did_you_mean(name, known)}")


def check_values(loaded: LoadedRole) -> list[Fault]:
    """Fill in what is known without a host, and hold the arguments against the schemas of their modules."""
    scope = Scope(
        [loaded.defaults, loaded.variables],
        {"role_name": loaded.role.name, "role_path": str(loaded.role.folder)},
    )
    faults: list[Fault] = []
    for task in (*loaded.tasks, *loaded.handlers):
        inner = scope.with_layer(task.variables)
        try:
            if _is_skipped(task, inner):
                continue
            filled = fill_arguments(task, inner, lenient=True)
            faults += argument_faults(loaded.role, task, filled)
        except BadInput as error:
            faults += [fault for fault in error.faults if isinstance(fault, Fault)]
    return faults


def _is_skipped(task: Task, scope: Scope) -> bool:
    """Whether a condition that can be told without a host does not hold."""
    for condition in task.when:
        try:
            if not scope.holds(condition):
                return True
        except templating.UndefinedName:
            continue
    return False


def fill_arguments(task: Task, scope: Scope, *, lenient: bool = False) -> Node:
    """The arguments with their templates filled in; conditions stay as they are."""
    arguments = task.arguments
    if not isinstance(arguments.content, dict):
        return scope.fill(arguments, lenient=lenient)
    members = {
        key: node if key in task.module.expressions else scope.fill(node, lenient=lenient)
        for key, node in arguments.content.items()
    }
    return Node(arguments.position, members, keys=arguments.keys)


def argument_faults(role: Role, task: Task, filled: Node) -> list[Fault]:
    """What the module has against arguments, apart from parts that are not known yet."""
    unknown = list(unknowns(filled))
    found = [
        fault
        for location, fault in schemas.check(filled, task.module.arguments)
        if not any(location[: len(at)] == at for at in unknown)
    ]
    if found or isinstance(filled.content, Unknown):
        return found
    return [node.position.fault(message) for node, message in task.module.faults(role, filled)]
