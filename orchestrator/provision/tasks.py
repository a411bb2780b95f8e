"""A role as data: its tasks and handlers with their places, its defaults."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from orchestrator.documents.document import Node
from orchestrator.errors import Position
from orchestrator.experiment.model import Role
from orchestrator.provision.module import Module

CONDITION: Mapping[str, Any] = {
    "title": "a condition, or a list of conditions that must all hold",
    "anyOf": [
        {"title": "a condition", "type": ["string", "boolean"]},
        {"type": "array", "items": {"title": "a condition", "type": ["string", "boolean"]}},
    ],
}
_WORDS: Mapping[str, Any] = {
    "title": "a name, or a list of names",
    "anyOf": [{"type": "string", "minLength": 1}, {"type": "array", "items": {"type": "string"}}],
}
_SWITCH: Mapping[str, Any] = {"title": "true or false", "type": "boolean"}

KEYWORDS: Mapping[str, Any] = {
    "name": {"title": "a text", "type": "string"},
    "when": CONDITION,
    "loop": {"title": "a list, or a template that is one", "type": ["array", "string"]},
    "register": {
        "title": "a name of letters, digits and '_'",
        "type": "string",
        "pattern": "^[A-Za-z_][A-Za-z0-9_]*$",
    },
    "notify": _WORDS,
    "become": _SWITCH,
    "tags": _WORDS,
    "vars": {"title": "values by name", "type": "object"},
    "changed_when": CONDITION,
    "failed_when": CONDITION,
    "ignore_errors": _SWITCH,
}
"""What a task may hold beside its module."""


@dataclass(frozen=True, slots=True)
class Task:
    """One declarative step of a role: ``module`` brings the host to the state that ``arguments`` describe.

    :ivar title: its name, which may be a template; ``position``: of the module's name in the file.
    :ivar when: conditions that must all hold.
    :ivar become: None: as the host's inventory has it.
    :ivar changed_when: None: as the module says; so ``failed_when``.
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

    @property
    def name(self) -> str:
        """The title as it is written."""
        return self.title.text

    @property
    def only_reads(self) -> bool:
        """Whether the file says that the task never changes anything."""
        return self.changed_when is not None and [node.content for node in self.changed_when] == [False]

    def chosen(self, only: frozenset[str], without: frozenset[str]) -> bool:
        """Whether ``--tags`` and ``--skip-tags`` let the task be; ``always`` and ``never`` are as in Ansible."""
        if self.tags & without:
            return False
        if "never" in self.tags and not self.tags & only:
            return False
        return not only or bool(self.tags & (only | {"always"}))


@dataclass(frozen=True, slots=True)
class LoadedRole:
    """A role's files, read and found good as far as that can be told without a host.

    :ivar variables: what the experiment file or ``--var`` gives, each value at the position of its name.
    """

    role: Role
    defaults: Mapping[str, Node]
    variables: Mapping[str, Node]
    tasks: tuple[Task, ...]
    handlers: tuple[Task, ...]
