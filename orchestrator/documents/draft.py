"""A document with the faults found so far."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from orchestrator.documents.document import Location, Node
from orchestrator.documents.expressions import Expression, ExpressionError
from orchestrator.errors import BadInput, Fault, Position


class Draft:
    """A document and its faults.

    Reading skips values that the schema refuses. One error gives one message, and the rest of the file is still
    checked.

    :param schema_faults: the result of :func:`~orchestrator.documents.schema.check`.
    """

    def __init__(self, node: Node, schema_faults: Sequence[tuple[Location, Fault]]) -> None:
        self.node = node
        self.faults: list[Fault] = [fault for _, fault in schema_faults]
        self._unknown_names: set[str] = set()
        self._invalid: list[Location] = [location for location, _ in schema_faults if location]

    def is_valid(self, *path: str | int) -> bool:
        """Whether the schema accepts the value at ``path``, its parents and its children."""
        return not any(
            location[: len(path)] == path or path[: len(location)] == location for location in self._invalid
        )

    def get(self, *path: str | int) -> Node | None:
        """Return the node at ``path``; None if it is missing or invalid."""
        return self.node.get(*path) if self.is_valid(*path) else None

    def value(self, *path: str | int, default: Any = None) -> Any:
        """Return the plain data at ``path``; ``default`` if it is missing or invalid."""
        node = self.get(*path)
        return default if node is None else node.data()

    def members(self, *path: str | int) -> list[tuple[str, Node]]:
        """Return the valid members of the mapping at ``path``."""
        return [(key, node) for key, node in self.node.mapping(*path).items() if self.is_valid(*path, key)]

    def items(self, *path: str | int) -> list[tuple[int, Node]]:
        """Return the valid items of the list at ``path``, each with its index."""
        return [
            (index, node) for index, node in enumerate(self.node.items(*path)) if self.is_valid(*path, index)
        ]

    def add_fault(self, position: Position, message: str) -> None:
        """Add a fault at ``position``."""
        self.faults.append(position.fault(message))

    def is_first(self, name: str) -> bool:
        """Whether an unknown name was not met before: a name that has changed is one mistake wherever it is used."""
        if name in self._unknown_names:
            return False
        self._unknown_names.add(name)
        return True

    def add_error(self, error: BadInput, *path: str | int) -> None:
        """Add the message of ``error`` as a fault of the value at ``path``."""
        self.add_fault(self.node.nearest_position(*path), str(error))

    def read_expression(self, node: Node, *path: str | int) -> Expression | None:
        """Parse an expression; add a fault and return None if it is invalid."""
        try:
            return Expression(node.text)
        except ExpressionError as error:
            self.add_error(error, *path)
            return None

    def raise_faults(self) -> None:
        """Raise ``BadInput`` with all faults in file order; return if there are none."""
        if self.faults:
            ordered = sorted(
                dict.fromkeys(self.faults), key=lambda fault: (fault.file, fault.line, fault.column)
            )
            raise BadInput(*ordered)
