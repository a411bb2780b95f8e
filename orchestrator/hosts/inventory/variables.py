"""Variables of hosts and groups, with the place where each is set."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from orchestrator.errors import Position


class EncryptedValue(Struct, frozen=True):
    """A value that is encrypted with ansible-vault: its text as in the file."""

    text: str


class Unsafe(str):
    """A string that is never a template: ``!unsafe`` in YAML."""

    __slots__ = ()


class Variables(dict[str, Any]):
    """Variables by name; ``positions`` says where each is set, ``secret`` which are from an encrypted file."""

    __slots__ = ("positions", "secret")

    def __init__(self) -> None:
        super().__init__()
        self.positions: dict[str, Position] = {}
        self.secret: set[str] = set()

    def assign(self, name: str, value: Any, position: Position) -> None:
        """Set a variable."""
        self[name] = value
        self.positions[name] = position

    def overlay(self, other: Variables) -> None:
        """Take over all variables of ``other``, which has the higher precedence."""
        self.update(other)
        self.positions.update(other.positions)
        self.secret.difference_update(other)
        self.secret.update(other.secret)


def is_secret(variables: Mapping[str, Any], name: str) -> bool:
    """Whether a variable of an inventory is encrypted, itself or with its file. What uses it is not shown."""
    from_file = isinstance(variables, Variables) and name in variables.secret
    return from_file or isinstance(variables[name], EncryptedValue)


def position_of(variables: Mapping[str, Any], name: str) -> Position:
    """Return where a variable of an inventory is set."""
    if isinstance(variables, Variables) and name in variables.positions:
        return variables.positions[name]
    return Position("inventory")


def contains_encrypted(value: Any) -> bool:
    """Whether a value is, or contains, one that is encrypted."""
    if isinstance(value, Mapping):
        return any(contains_encrypted(inner) for inner in value.values())
    if isinstance(value, list):
        return any(contains_encrypted(inner) for inner in value)
    return isinstance(value, EncryptedValue)


def contains_template(value: Any) -> bool:
    """Whether a value is, or contains, a template of Jinja."""
    if isinstance(value, Mapping):
        return any(contains_template(inner) for inner in value.values())
    if isinstance(value, list):
        return any(contains_template(inner) for inner in value)
    return isinstance(value, str) and not isinstance(value, Unsafe) and ("{{" in value or "{%" in value)
