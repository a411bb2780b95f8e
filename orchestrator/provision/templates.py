"""Which strings of a role are templates; :mod:`~orchestrator.provision.templating` evaluates them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from orchestrator.documents.document import Node
from orchestrator.errors import BadInput, Position
from orchestrator.hosts.inventory.variables import Unsafe

_DELIMITERS = ("{{", "{%", "{#")


class UndefinedName(BadInput):
    """A variable is undefined, or not defined yet."""


def is_template(value: object) -> bool:
    """Whether a value is a string with template delimiters, and not marked as ``!unsafe`` in an inventory."""
    if not isinstance(value, str) or isinstance(value, Unsafe):
        return False
    return any(delimiter in value for delimiter in _DELIMITERS)


def templates(node: Node) -> Iterator[Node]:
    """Yield every string in a document that is a template."""
    if isinstance(node.content, dict):
        for inner in node.content.values():
            yield from templates(inner)
    elif isinstance(node.content, list):
        for inner in node.content:
            yield from templates(inner)
    elif is_template(node.content):
        yield node


def as_node(value: Any, position: Position) -> Node:
    """Return plain data as a document with all parts at one position."""
    if isinstance(value, Mapping):
        members = {str(key): as_node(inner, position) for key, inner in value.items()}
        return Node(position, members, keys=dict.fromkeys(members, position))
    if isinstance(value, list | tuple):
        return Node(position, [as_node(inner, position) for inner in value])
    if value is None or isinstance(value, bool | int | float | str):
        return Node(position, value, "" if value is None else str(value))
    return Node(position, str(value), str(value))
