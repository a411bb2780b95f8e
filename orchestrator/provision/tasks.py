"""A role as data: tasks, handlers and variables, with their positions in the files."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Struct, field

from orchestrator.documents.document import Node
from orchestrator.errors import Position
from orchestrator.experiment.model import Role
from orchestrator.provision.module import Module

CONDITION: Mapping[str, Any] = {
    "title": "a condition, or a list of conditions that must all be true",
    "anyOf": [
        {"title": "a condition", "type": ["string", "boolean"]},
        {"type": "array", "items": {"title": "a condition", "type": ["string", "boolean"]}},
    ],
}
_NAMES: Mapping[str, Any] = {
    "title": "a name, or a list of names",
    "anyOf": [{"type": "string", "minLength": 1}, {"type": "array", "items": {"type": "string"}}],
}
_BOOLEAN: Mapping[str, Any] = {"title": "true or false", "type": "boolean"}

KEYWORDS: Mapping[str, Any] = {
    "name": {"title": "a string", "type": "string"},
    "when": CONDITION,
    "loop": {"title": "a list, or a template that yields a list", "type": ["array", "string"]},
    "register": {
        "title": "a name of letters, digits and '_'",
        "type": "string",
        "pattern": "^[A-Za-z_][A-Za-z0-9_]*$",
    },
    "notify": _NAMES,
    "become": _BOOLEAN,
    "tags": _NAMES,
    "vars": {"title": "values by name", "type": "object"},
    "changed_when": CONDITION,
    "failed_when": CONDITION,
    "ignore_errors": _BOOLEAN,
    "no_log": _BOOLEAN,
}
"""The keywords of a task beside the name of its module, with their schemas."""


class Task(Struct, frozen=True):
    """One task of a role: ``module`` brings the host to the state that ``arguments`` describe.

    :ivar title: the task's name, which may be a template.
    :ivar position: of the module's name in the file.
    :ivar when: conditions that must all be true.
    :ivar become: whether it runs as root; None: as ``ansible_become`` of the inventory says.
    :ivar changed_when: None: the module decides; likewise ``failed_when``.
    :ivar no_log: whether nothing of what it does is shown, as it has to do with a secret.
    """

    title: Node
    module: Module
    arguments: Node
    position: Position
    when: tuple[Node, ...] = ()
    loop: Node | None = None
    register: str = ""
    notify: tuple[Node, ...] = ()
    become: bool | None = None
    tags: frozenset[str] = frozenset()
    variables: Mapping[str, Node] = field(default_factory=dict)
    changed_when: tuple[Node, ...] | None = None
    failed_when: tuple[Node, ...] | None = None
    ignore_errors: bool = False
    no_log: bool = False

    @property
    def name(self) -> str:
        """The name as it is written, with templates not rendered."""
        return self.title.text

    @property
    def only_reads(self) -> bool:
        """Whether the task is declared to change nothing: ``changed_when: false``."""
        return self.changed_when is not None and [node.content for node in self.changed_when] == [False]

    def is_selected(self, tags: frozenset[str], skip_tags: frozenset[str]) -> bool:
        """Whether ``--tags`` and ``--skip-tags`` select the task; ``always`` and ``never`` are as in Ansible."""
        if self.tags & skip_tags:
            return False
        if "never" in self.tags and not self.tags & tags:
            return False
        return not tags or bool(self.tags & (tags | {"always"}))


class LoadedRole(Struct, frozen=True):
    """A role's files, read and checked as far as that is possible without a host.

    :ivar variables: values from the experiment file or ``--var``, each at the position of its name.
    """

    role: Role
    defaults: Mapping[str, Node]
    variables: Mapping[str, Node]
    tasks: tuple[Task, ...]
    handlers: tuple[Task, ...]
