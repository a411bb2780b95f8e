"""A document while it is read: its valid parts, and the faults found so far."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from orchestrator.documents.document import Node
from orchestrator.documents.expressions import Expression, ExpressionError
from orchestrator.documents.schema import Location
from orchestrator.errors import BadInput, Fault, Position


class Draft:
    """A document with its faults. Reading it passes over what the schema has refused, so that one fault makes
    one message and the rest of the file is still checked.

    :param found: what the schema refuses, as :func:`~orchestrator.documents.schema.check` returns it.
    """

    def __init__(self, node: Node, found: Sequence[tuple[Location, Fault]]) -> None:
        self.node = node
        self.faults: list[Fault] = [fault for _, fault in found]
        self._broken: list[Location] = [location for location, _ in found if location]

    def intact(self, *path: str | int) -> bool:
        """Tell whether the schema has nothing against the value at ``path``, what holds it and what it holds."""
        return not any(
            location[: len(path)] == path or path[: len(location)] == location for location in self._broken
        )

    def get(self, *path: str | int) -> Node | None:
        """The node at ``path`` if there is one and it is intact."""
        return self.node.get(*path) if self.intact(*path) else None

    def value(self, *path: str | int, default: Any = None) -> Any:
        """The plain data at ``path`` if it is there and intact."""
        node = self.get(*path)
        return default if node is None else node.data()

    def members(self, *path: str | int) -> list[tuple[str, Node]]:
        """The intact members of the mapping at ``path``."""
        return [(key, node) for key, node in self.node.mapping(*path).items() if self.intact(*path, key)]

    def items(self, *path: str | int) -> list[tuple[int, Node]]:
        """The intact items of the list at ``path``, by index."""
        return [
            (index, node) for index, node in enumerate(self.node.items(*path)) if self.intact(*path, index)
        ]

    def fault(self, position: Position, message: str) -> None:
        """Note a fault."""
        self.faults.append(position.fault(message))

    def blame(self, error: BadInput, *path: str | int) -> None:
        """Note what ``error`` says as a fault of the value at ``path``."""
        self.fault(self.node.nearest_position(*path), str(error))

    def expression(self, node: Node, *path: str | int) -> Expression | None:
        """Read an expression; None, and a fault, if it cannot be read."""
        try:
            return Expression(node.text)
        except ExpressionError as error:
            self.blame(error, *path)
            return None

    def close(self) -> None:
        """Raise ``BadInput`` with every fault, in the order of the file, if there is any."""
        if self.faults:
            ordered = sorted(
                dict.fromkeys(self.faults), key=lambda fault: (fault.file, fault.line, fault.column)
            )
            raise BadInput(*ordered)
