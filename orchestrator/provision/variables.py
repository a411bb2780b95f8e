"""The variables of a task, and templates rendered with them.

Precedence, from lowest to highest: the role's ``defaults.yaml``; the inventory; the experiment file
(``roles: [{role: …, vars: …}]``) or ``--var``; the task's ``vars``; registered results; ``item`` of a loop. Values of
the first four may be templates that use each other, but not in a loop. Results and items are data.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from orchestrator.documents.document import Location, Node
from orchestrator.errors import BadInput, Position
from orchestrator.provision import templates
from orchestrator.provision.templates import UndefinedName

_BARE_NAME = re.compile(r"\{\{\s*([A-Za-z_][A-Za-z0-9_]*)\s*\}\}")
SPECIAL_VARIABLES = frozenset(
    {"check_mode", "facts", "folder", "inventory_hostname", "group_names", "role_name", "role_path"}
)
"""Variables that are defined for every task."""


class Unknown(str):
    """A placeholder for a value that is not known before the host is connected."""

    __slots__ = ()


def unknown_locations(node: Node, at: Location = ()) -> Iterator[Location]:
    """Yield the locations of the values in a document that are not known yet."""
    if isinstance(node.content, dict):
        for key, inner in node.content.items():
            yield from unknown_locations(inner, (*at, key))
    elif isinstance(node.content, list):
        for index, inner in enumerate(node.content):
            yield from unknown_locations(inner, (*at, index))
    elif isinstance(node.content, Unknown):
        yield at


class SecretNode(Node):
    """The value of a variable that is encrypted."""


class Scope:
    """The variables of one task.

    :param layers: values that may be templates, from the lowest precedence to the highest.
    :param values: data, with a higher precedence than every layer.
    :param secrets: collects the secret values that this scope and those made of it have used.
    """

    def __init__(
        self,
        layers: Iterable[Mapping[str, Node]],
        values: Mapping[str, Any],
        secrets: list[SecretNode] | None = None,
    ) -> None:
        self._layers = list(layers)
        self._values: dict[str, Any] = dict(values)
        self._resolving: list[str] = []
        self._secrets = [] if secrets is None else secrets

    def with_values(self, values: Mapping[str, Any]) -> Scope:
        """Return a scope with more data."""
        return Scope(self._layers, {**self._values, **values}, self._secrets)

    def with_layer(self, layer: Mapping[str, Node]) -> Scope:
        """Return a scope with one more layer, of a higher precedence than the others."""
        return Scope([*self._layers, layer], self._values, self._secrets) if layer else self

    @property
    def has_used_secrets(self) -> bool:
        """Whether something was rendered with a variable that was encrypted."""
        return bool(self._secrets)

    def value(self, name: str, position: Position) -> Any:
        """Return the value of a variable that is used at ``position``. Raises ``UndefinedName``."""
        if name in self._values:
            return self._values[name]
        node = self._in_layers(name)
        if node is None:
            raise UndefinedName(position.fault(f"undefined variable '{name}'"))
        return self._resolve(name, node).data()

    def _in_layers(self, name: str) -> Node | None:
        return next((layer[name] for layer in reversed(self._layers) if name in layer), None)

    def _resolve(self, name: str, node: Node) -> Node:
        """Return the value of a variable with its positions, its own templates rendered."""
        if name in self._resolving:
            loop = " → ".join((*self._resolving[self._resolving.index(name) :], name))
            raise BadInput(node.position.fault(f"recursive loop in variable '{name}': {loop}"))
        self._resolving.append(name)
        try:
            return self.render_node(node)
        finally:
            self._resolving.pop()

    def _source(self, node: Node) -> tuple[str, Node] | None:
        """Return the variable that a template like ``"{{ name }}"`` consists of; None for other templates.

        A fault of the value is reported at the position of the variable, not of the template.
        """
        match = _BARE_NAME.fullmatch(str(node.content))
        if match is None or match[1] in self._values:
            return None
        source = self._in_layers(match[1])
        return None if source is None else (match[1], source)

    def defines(self, name: str) -> bool:
        """Whether a variable has a value or a template."""
        return name in self._values or any(name in layer for layer in self._layers)

    def render(self, text: str, position: Position) -> Any:
        """Return the value of a template. Raises ``UndefinedName`` or ``BadInput``."""
        from orchestrator.provision import templating  # imports jinja2, which most roles do not need

        return templating.evaluate(text, position, self._used(text, position))

    def is_true(self, node: Node) -> bool:
        """Evaluate a condition. Raises ``UndefinedName`` or ``BadInput``."""
        if not isinstance(node.content, str):
            return bool(node.content)
        from orchestrator.provision import templating

        variables = self._used(node.content, node.position, expression=True)
        value = templating.expression(node.content, node.position, variables)
        if isinstance(value, str):
            raise BadInput(
                node.position.fault(
                    f"the condition is the string {value!r}, not a boolean; add a comparison or '| bool'"
                )
            )
        return bool(value)

    def render_node(self, node: Node, *, lenient: bool = False) -> Node:
        """Return a document with every template rendered. Raises ``UndefinedName`` or ``BadInput``.

        :param lenient: values of undefined variables become :class:`Unknown` instead.
        """
        if isinstance(node, SecretNode):
            self._secrets.append(node)
        if isinstance(node.content, dict):
            members = {key: self.render_node(inner, lenient=lenient) for key, inner in node.content.items()}
            return Node(node.position, members, keys=node.keys)
        if isinstance(node.content, list):
            return Node(node.position, [self.render_node(inner, lenient=lenient) for inner in node.content])
        if not templates.is_template(node.content):
            return node
        try:
            source = self._source(node)
            if source is not None:
                return self._resolve(*source)
            value = self.render(str(node.content), node.position)
        except UndefinedName:
            if lenient:
                return Node(node.position, Unknown(node.text), node.text)
            raise
        return templates.as_node(value, node.position)

    def _used(self, text: str, position: Position, *, expression: bool = False) -> dict[str, Any]:
        """Return the values of the variables that a template uses; those that may be undefined only if they are not."""
        from orchestrator.provision import templating

        required = templating.required_names(text, position, expression=expression)
        optional = templating.used_names(text, expression=expression) - required
        names = (*required, *(name for name in optional if self.defines(name)))
        return {name: self.value(name, position) for name in names}
