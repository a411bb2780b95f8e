"""YAML text as a tree that knows where each part of it stands.

What is read is the core schema of YAML 1.2, as editors do: ``true``/``false`` are the only booleans (not ``on`` or
``yes``), ``010`` is ten, dates and ``1:30`` are text. No tags beyond the plain ones, no merge keys, no key twice.
"""

from __future__ import annotations

import difflib
import math
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from orchestrator.errors import BadInput, Fault, Position

Scalar = None | bool | int | float | str

MOST_NODES = 100_000
LARGEST_FILE = 4 * 1024 * 1024
_DEEPEST = 60
_LONGEST_SHOWN = 60
_TAGS = {f"tag:yaml.org,2002:{kind}": kind for kind in ("null", "bool", "int", "float", "str", "map", "seq")}
_INTEGER_BITS = 64
_INTEGER = re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+")


@dataclass(slots=True)
class Node:
    """One value of a document.

    :ivar content: a scalar, a list of nodes or a mapping of nodes by key.
    :ivar text: a scalar as written, otherwise empty.
    :ivar keys: where each key of a mapping stands.
    """

    position: Position
    content: Scalar | list[Node] | dict[str, Node]
    text: str = ""
    keys: dict[str, Position] = field(default_factory=dict)

    def data(self) -> Any:
        """The same as plain Python data."""
        if isinstance(self.content, dict):
            return {key: node.data() for key, node in self.content.items()}
        if isinstance(self.content, list):
            return [node.data() for node in self.content]
        return self.content

    def get(self, *path: str | int) -> Node | None:
        """The node at ``path`` (keys and list indexes), or None."""
        node: Node | None = self
        for step in path:
            content = node.content if node else None
            if isinstance(content, dict):
                node = content.get(str(step))
            elif isinstance(content, list) and isinstance(step, int) and step < len(content):
                node = content[step]
            else:
                return None
        return node

    def mapping(self, *path: str | int) -> dict[str, Node]:
        """The members of the mapping at ``path``; empty if there is no mapping."""
        node = self.get(*path)
        return node.content if node and isinstance(node.content, dict) else {}

    def items(self, *path: str | int) -> list[Node]:
        """The items of the list at ``path``; empty if there is no list."""
        node = self.get(*path)
        return node.content if node and isinstance(node.content, list) else []

    def nearest_position(self, *path: str | int) -> Position:
        """The place of the node at ``path`` or, where there is none, of the deepest one on the way to it."""
        node = self
        for step in path:
            inner = node.get(step)
            if inner is None:
                break
            node = inner
        return node.position

    def key_position(self, *path: str | int) -> Position:
        """The place of the key that ends ``path``, or of the value where it has no key."""
        parent = self.get(*path[:-1])
        position = parent.keys.get(str(path[-1])) if parent else None
        return position or self.nearest_position(*path)


def read_path(path: Path) -> Node:
    """Read a YAML file, whatever it holds. Raises ``BadInput`` with each fault found."""
    try:
        if path.stat().st_size > LARGEST_FILE:
            raise BadInput(Fault(str(path), 0, 0, f"is larger than {LARGEST_FILE // 1024**2} MiB"))
        content = path.read_bytes()
    except OSError as error:
        raise BadInput(Fault(str(path), 0, 0, f"cannot be read: {error.strerror}{_sibling(path)}")) from None
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        column = error.start - (content.rfind(b"\n", 0, error.start) + 1) + 1
        message = f"byte 0x{content[error.start]:02x} is not UTF-8; save the file as UTF-8"
        raise BadInput(Fault(str(path), line, column, message)) from None
    return read_text(text, str(path))


def read_file(path: Path) -> Node:
    """Read a YAML file that holds one mapping. Raises ``BadInput`` with each fault found."""
    node = read_path(path)
    if not isinstance(node.content, dict):
        empty = node.content is None
        message = (
            "is empty"
            if empty
            else f"expected keys with values (a mapping), found {describe_value(node.content)}"
        )
        raise BadInput(Fault(str(path), 0 if empty else node.position.line, node.position.column, message))
    return node


def read_text(text: str, name: str, *, positions: bool = True) -> Node:
    """Read YAML from ``text``; ``name`` stands for the file. Raises ``BadInput`` with each fault found."""
    try:
        tree = _Loader(text).get_single_node()
    except yaml.reader.ReaderError as error:
        at = text[: error.position]
        position = Position(name, at.count("\n") + 1, len(at) - (at.rfind("\n") + 1) + 1)
        message = f"character U+{error.character:04X} is not allowed in YAML"
        raise BadInput((position if positions else Position(name)).fault(message)) from None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        position = Position(name, mark.line + 1, mark.column + 1) if mark and positions else Position(name)
        raise BadInput(position.fault(_syntax(error))) from None
    except RecursionError:
        raise BadInput(Position(name).fault(f"is nested deeper than {_DEEPEST} levels")) from None
    converter = _Converter(name, positions)
    node = converter.convert(tree, 0) if tree else Node(Position(name, 1 if positions else 0, 1), None)
    if converter.faults:
        raise BadInput(*converter.faults)
    return node


def describe_value(value: object) -> str:
    """Say what ``value`` is, for messages."""
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list):
        return "a list"
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return f"the text {value[:_LONGEST_SHOWN]!r}{'…' * (len(value) > _LONGEST_SHOWN)}"
    return f"the number {value}"


class _Loader(yaml.SafeLoader):
    """The YAML 1.2 core schema instead of PyYAML's 1.1."""

    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012


for _tag, _pattern, _first in (
    ("null", r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    ("bool", r"true|True|TRUE|false|False|FALSE", list("tTfF")),
    ("int", _INTEGER.pattern, list("-+0123456789")),
    (
        "float",
        r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)",
        list("-+.0123456789"),
    ),
):
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(f"(?:{_pattern})$"), _first)


class _Converter:
    """Makes :class:`Node` trees of PyYAML's; counts what aliases expand to, collects faults."""

    def __init__(self, name: str, positions: bool) -> None:
        self.name = name
        self.positions = positions
        self.faults: list[Fault] = []
        self.nodes = 0

    def position(self, node: yaml.Node) -> Position:
        if not self.positions:
            return Position(self.name)
        return Position(self.name, node.start_mark.line + 1, node.start_mark.column + 1)

    def convert(self, node: yaml.Node, depth: int) -> Node:
        position = self.position(node)
        self.nodes += 1
        if self.nodes > MOST_NODES:
            message = f"holds more than {MOST_NODES} values once its aliases are expanded"
            raise BadInput(Position(self.name).fault(message))
        if depth > _DEEPEST:
            raise BadInput(
                position.fault(f"is nested deeper than {_DEEPEST} levels, or an alias holds itself")
            )
        if node.tag not in _TAGS:
            shown = node.tag.replace("tag:yaml.org,2002:", "!!")
            self.faults.append(position.fault(f"tag '{shown}' is not allowed; write plain YAML"))
            return Node(position, None)
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, position, depth)
        if isinstance(node, yaml.SequenceNode):
            return Node(position, [self.convert(item, depth + 1) for item in node.value])
        return self._scalar(node, position)

    def _mapping(self, node: yaml.MappingNode, position: Position, depth: int) -> Node:
        members: dict[str, Node] = {}
        keys: dict[str, Position] = {}
        for key, value in node.value:
            at = self.position(key)
            if not isinstance(key, yaml.ScalarNode) or key.value == "<<":
                self.faults.append(
                    at.fault("a key must be plain text (no merge keys, no lists); write keys out")
                )
            elif key.value in keys:
                first = keys[key.value].line
                self.faults.append(at.fault(f"key '{key.value}' is here twice; the first is in line {first}"))
            else:
                keys[key.value] = at
                members[key.value] = self.convert(value, depth + 1)
        return Node(position, members, keys=keys)

    def _scalar(self, node: yaml.Node, position: Position) -> Node:
        text = str(node.value)
        value: Scalar
        try:
            value = _value(_TAGS[node.tag], text)
        except ValueError as error:
            self.faults.append(position.fault(f"'{text[:40]}' {error}"))
            return Node(position, None, text)
        return Node(position, value, text)


def _value(kind: str, text: str) -> Scalar:
    if kind == "null":
        return None
    if kind == "bool":
        return text.lower() == "true"
    if kind == "int":
        if len(text) > _INTEGER_BITS + 2:
            raise ValueError("does not fit in 64 bits")
        if not _INTEGER.fullmatch(text):
            raise ValueError("is not a whole number")
        number = int(text, {"0x": 16, "0o": 8}.get(text[:2], 10))
        if not -(2 ** (_INTEGER_BITS - 1)) <= number < 2**_INTEGER_BITS:
            raise ValueError("does not fit in 64 bits")
        return number
    if kind == "float":
        value = float(text.lower().replace(".inf", "inf").replace(".nan", "nan"))
        if not math.isfinite(value):
            raise ValueError("is not a finite number")
        return value
    return text


def _syntax(error: yaml.MarkedYAMLError) -> str:
    problem = error.problem or "cannot be read"
    if "'\\t'" in problem:
        return "a tab cannot indent YAML; use spaces"
    if "expected a single document" in (error.context or ""):
        return "a second document ('---') is not allowed"
    context = f" ({error.context})" if error.context else ""
    return f"is not YAML: {problem}{context}"


def _sibling(path: Path) -> str:
    try:
        names = sorted(entry.name for entry in path.parent.iterdir() if entry.suffix in (".yaml", ".yml"))
    except OSError:
        return ""
    close = difflib.get_close_matches(path.name, names, n=1)
    return f"; did you mean '{path.with_name(close[0])}'?" if close else ""
