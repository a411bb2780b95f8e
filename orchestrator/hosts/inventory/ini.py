"""Ansible's INI format of inventories."""

from __future__ import annotations

import ast
import re
import shlex
import warnings
from typing import Any

from orchestrator.errors import BadInput, Position
from orchestrator.hosts.inventory.patterns import split_port
from orchestrator.hosts.inventory.tree import Tree
from orchestrator.hosts.inventory.variables import Unsafe
from orchestrator.nearest import did_you_mean

_SECTION = re.compile(r"\[([^:\]\s]+)(?::(\w+))?\]\s*(?:#.*)?")
_GROUP_NAME = re.compile(r"([^:\]\s]+)\s*(?:#.*)?")
_PARTS = ("hosts", "children", "vars")


def read(text: str, name: str) -> Tree:
    """Read an inventory; ``name`` is the file name in faults."""
    return _Reader(name).read(text)


class _Reader:
    def __init__(self, name: str) -> None:
        self._name = name
        self._tree = Tree()
        self._declared: dict[str, None] = dict.fromkeys(self._tree.groups)
        self._named: dict[str, Position] = {}

    def read(self, text: str) -> Tree:
        group, part = "ungrouped", "hosts"
        for number, raw in enumerate(text.splitlines(), 1):
            line = raw.strip()
            position = Position(self._name, number, len(raw) - len(raw.lstrip()) + 1)
            if not line or line[0] in "#;":
                continue
            section = _SECTION.fullmatch(line)
            if section:
                group, part = section[1], section[2] or "hosts"
                self._section(group, part, position)
            elif line.startswith("[") and ("]" not in line or line.endswith("]")):
                raise BadInput(position.fault("expected a section such as [group], or a host"))
            elif part == "hosts":
                self._host(line, group, position)
            elif part == "children":
                self._child(line, group, position)
            else:
                self._variable(line, group, position)
        for name, position in self._named.items():
            if name not in self._declared:
                hint = did_you_mean(name, self._declared)
                raise BadInput(position.fault(f"no such group '{name}'; {hint}"))
        return self._tree

    def _section(self, group: str, part: str, position: Position) -> None:
        if part not in _PARTS:
            hint = did_you_mean(part, _PARTS)
            raise BadInput(position.fault(f"unknown section type ':{part}'; {hint}"))
        self._tree.add_group(group, position)
        if part == "vars":
            self._named.setdefault(group, position)
        else:
            self._declared[group] = None

    def _child(self, line: str, group: str, position: Position) -> None:
        match = _GROUP_NAME.fullmatch(line)
        if match is None:
            raise BadInput(position.fault("expected one group name"))
        self._tree.add_group(match[1], position)
        self._tree.groups[group].children.setdefault(match[1], position)
        self._named.setdefault(match[1], position)

    def _variable(self, line: str, group: str, position: Position) -> None:
        name, equals, value = line.partition("=")
        if not equals or not name.strip():
            raise BadInput(position.fault("expected name=value"))
        self._tree.set_variable(group, name.strip(), _literal(value.strip(), position), position)

    def _host(self, line: str, group: str, position: Position) -> None:
        try:
            pattern, *words = shlex.split(line, comments=True)
        except ValueError as error:
            raise BadInput(position.fault(f"cannot be split into words: {error}")) from None
        values: dict[str, Any] = {}
        for word in words:
            name, equals, value = word.partition("=")
            if not equals or not name:
                raise BadInput(position.fault(f"'{word}': expected name=value after the host's name"))
            values[name] = _literal(value, position)
        pattern, port = split_port(pattern)
        if not pattern or pattern.endswith(":"):
            raise BadInput(position.fault(f"'{pattern}': expected a host, and a port after ':'"))
        for host in self._tree.add_hosts(group, pattern, port, position):
            for name, value in values.items():
                self._tree.set_variable(host, name, value, position)


def _literal(text: str, position: Position) -> Any:
    """Return a value: a Python literal (3, True, ['a']) or text. Ansible fails for the same values."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return _plain(ast.literal_eval(text))
    except (ValueError, SyntaxError):
        return text
    except (TypeError, MemoryError, RecursionError):
        raise BadInput(position.fault(f"'{text[:40]}' is not a valid value; put it in quotes")) from None


def _plain(value: Any) -> Any:
    """Return a literal as data that JSON has, as Ansible does."""
    if isinstance(value, dict):
        return {str(key): _plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple | set):
        return [_plain(inner) for inner in value]
    if value is ...:
        return "..."
    if isinstance(value, bytes):
        return Unsafe(value.decode(errors="replace"))
    return str(value) if isinstance(value, complex) else value
