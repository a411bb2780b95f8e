"""The variables of a task: which of several values a name has, and templates filled in with them.

From weak to strong: the role's ``defaults.yaml``; the inventory; the experiment file (``roles: [{role: …, vars: …}]``)
or ``--var``; the task's ``vars``; what was registered; ``item`` of a loop. Values of the first four may be templates
themselves, in any order but not in a circle; results and items are data.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from orchestrator.documents.document import Node
from orchestrator.documents.schema import Location
from orchestrator.errors import BadInput, Position
from orchestrator.provision import templating
from orchestrator.provision.templating import UndefinedName

_BARE_NAME = re.compile(r"\{\{\s*([A-Za-z_][A-Za-z0-9_]*)\s*\}\}")
GIVEN = frozenset(
    {"check_mode", "facts", "folder", "inventory_hostname", "group_names", "role_name", "role_path"}
)
"""Names that every task has: of the host, of the role and of this application of it."""


class Unknown(str):
    """Stands for a value that is not known before a host is asked."""

    __slots__ = ()


def unknowns(node: Node, at: Location = ()) -> Iterator[Location]:
    """Where in a document the parts are that are not known yet."""
    if isinstance(node.content, dict):
        for key, inner in node.content.items():
            yield from unknowns(inner, (*at, key))
    elif isinstance(node.content, list):
        for index, inner in enumerate(node.content):
            yield from unknowns(inner, (*at, index))
    elif isinstance(node.content, Unknown):
        yield at


class Scope:
    """The variables that one task sees.

    :param layers: values that may be templates, weak ones first.
    :param values: data; stronger than every layer.
    """

    def __init__(self, layers: Iterable[Mapping[str, Node]], values: Mapping[str, Any]) -> None:
        self._layers = list(layers)
        self._values: dict[str, Any] = dict(values)
        self._resolving: list[str] = []

    def with_values(self, values: Mapping[str, Any]) -> Scope:
        """The same with more data."""
        return Scope(self._layers, {**self._values, **values})

    def with_layer(self, layer: Mapping[str, Node]) -> Scope:
        """The same with a layer above the others."""
        return Scope([*self._layers, layer], self._values) if layer else self

    def value(self, name: str, position: Position) -> Any:
        """The value of a variable that is used at ``position``. Raises ``UndefinedName``."""
        if name in self._values:
            return self._values[name]
        node = self._layered(name)
        if node is None:
            raise UndefinedName(position.fault(f"'{name}' is undefined"))
        return self._resolved(name, node).data()

    def _layered(self, name: str) -> Node | None:
        return next((layer[name] for layer in reversed(self._layers) if name in layer), None)

    def _resolved(self, name: str, node: Node) -> Node:
        """The value of a variable with its places, its own templates filled in."""
        if name in self._resolving:
            circle = " → ".join((*self._resolving[self._resolving.index(name) :], name))
            raise BadInput(node.position.fault(f"variable '{name}' is made of itself: {circle}"))
        self._resolving.append(name)
        try:
            return self.fill(node)
        finally:
            self._resolving.pop()

    def _source(self, node: Node) -> tuple[str, Node] | None:
        """The variable that a template is nothing but, if it is: a fault of its value belongs to where that stands."""
        name = _BARE_NAME.fullmatch(str(node.content))
        if name is None or name[1] in self._values:
            return None
        source = self._layered(name[1])
        return None if source is None else (name[1], source)

    def knows(self, name: str) -> bool:
        """Whether the name has a value, or a template for one."""
        return name in self._values or any(name in layer for layer in self._layers)

    def text(self, text: str, position: Position) -> Any:
        """Fill in one template. Raises ``UndefinedName`` or ``BadInput``."""
        return templating.evaluate(text, position, self._needed(text, position))

    def holds(self, node: Node) -> bool:
        """Whether a condition is true. Raises ``UndefinedName`` or ``BadInput``."""
        if not isinstance(node.content, str):
            return bool(node.content)
        needed = self._needed(node.content, node.position, bare=True)
        value = templating.expression(node.content, node.position, needed)
        if isinstance(value, str):
            raise BadInput(
                node.position.fault(
                    f"is neither true nor false but the text {value!r}; add a comparison, or | bool"
                )
            )
        return bool(value)

    def fill(self, node: Node, *, lenient: bool = False) -> Node:
        """Fill in every template of a document; ``lenient``: what is not defined yet becomes :class:`Unknown`."""
        if isinstance(node.content, dict):
            members = {key: self.fill(inner, lenient=lenient) for key, inner in node.content.items()}
            return Node(node.position, members, keys=node.keys)
        if isinstance(node.content, list):
            return Node(node.position, [self.fill(inner, lenient=lenient) for inner in node.content])
        if not templating.is_template(node.content):
            return node
        try:
            source = self._source(node)
            if source is not None:
                return self._resolved(*source)
            value = self.text(str(node.content), node.position)
        except UndefinedName:
            if lenient:
                return Node(node.position, Unknown(node.text), node.text)
            raise
        return templating.as_node(value, node.position)

    def _needed(self, text: str, position: Position, *, bare: bool = False) -> dict[str, Any]:
        """The variables that a template needs, and those it may do without if they have a value."""
        names = templating.names(text, position, expression=bare)
        needed = {name: self.value(name, position) for name in names}
        for name in templating.mentioned(text, expression=bare) - names:
            if self.knows(name):
                needed[name] = self.value(name, position)
        return needed
