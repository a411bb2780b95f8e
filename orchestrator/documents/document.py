"""Read YAML into a tree of nodes that keep their positions.

The YAML 1.2 core schema applies: only ``true`` and ``false`` are booleans (not ``on`` or ``yes``), ``010`` is ten,
dates and ``1:30`` are strings. Custom tags, merge keys and duplicate keys are refused.
"""

from __future__ import annotations

import difflib
import math
import os
import re
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import yaml
from msgspec import Struct, field

from orchestrator.documents.composer import INTEGER, CoreSchema, compose
from orchestrator.errors import BadInput, Fault, Position

Scalar = None | bool | int | float | str
JSONSchema = Mapping[str, Any]
Location = tuple[str | int, ...]
"""Path of a value in a document: keys and list indexes."""

MAX_NODES = 100_000
MAX_FILE_SIZE = 4 * 1024 * 1024
MAX_DEPTH = 60
_MAX_SHOWN = 60
_TAGS = {f"tag:yaml.org,2002:{kind}": kind for kind in ("null", "bool", "int", "float", "str", "map", "seq")}
_INTEGER_BITS = 64
_IMPOSSIBLE = re.compile("[\0\ud800-\udfff]")


class Node(Struct):
    """One value of a document.

    :ivar content: a scalar, a list of nodes or a mapping of nodes by key.
    :ivar text: a scalar as written, otherwise empty.
    :ivar keys: the position of each key of a mapping.
    """

    position: Position
    content: Scalar | list[Node] | dict[str, Node]
    text: str = ""
    keys: dict[str, Position] = field(default_factory=dict)

    def data(self) -> Any:
        """Return the value as plain Python data."""
        if isinstance(self.content, dict):
            return {key: node.data() for key, node in self.content.items()}
        if isinstance(self.content, list):
            return [node.data() for node in self.content]
        return self.content

    def get(self, *path: str | int) -> Node | None:
        """Return the node at ``path`` (keys and list indexes), or None."""
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
        """Return the mapping at ``path``; empty if there is no mapping."""
        node = self.get(*path)
        return node.content if node and isinstance(node.content, dict) else {}

    def items(self, *path: str | int) -> list[Node]:
        """Return the list at ``path``; empty if there is no list."""
        node = self.get(*path)
        return node.content if node and isinstance(node.content, list) else []

    def nearest_position(self, *path: str | int) -> Position:
        """Return the position of the node at ``path``, or of its deepest parent that exists."""
        node = self
        for step in path:
            inner = node.get(step)
            if inner is None:
                break
            node = inner
        return node.position

    def key_position(self, *path: str | int) -> Position:
        """Return the position of the last key of ``path``, or of its value where there is no such key."""
        parent = self.get(*path[:-1])
        position = parent.keys.get(str(path[-1])) if parent else None
        return position or self.nearest_position(*path)


def read_path(path: Path) -> Node:
    """Read a YAML file with any content. Raises ``BadInput`` with every fault."""
    return read_text(read_string(path), str(path))


def read_string(path: Path) -> str:
    """Return the content of a text file. ``BadInput`` if it cannot be read, is too large or not UTF-8."""
    try:
        # Without O_NONBLOCK a FIFO that nobody writes to would block for ever.
        with os.fdopen(os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK), "rb") as stream:
            os.set_blocking(stream.fileno(), True)
            content = stream.read(MAX_FILE_SIZE + 1)
    except OSError as error:
        hint = _suggest_file(path) if isinstance(error, FileNotFoundError) else ""
        raise BadInput(Fault(str(path), 0, 0, f"{error.strerror}{hint}")) from None
    if len(content) > MAX_FILE_SIZE:
        raise BadInput(Fault(str(path), 0, 0, f"File too large (limit: {MAX_FILE_SIZE // 1024**2} MiB)"))
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        column = error.start - (content.rfind(b"\n", 0, error.start) + 1) + 1
        message = f"invalid UTF-8: byte 0x{content[error.start]:02x}"
        raise BadInput(Fault(str(path), line, column, message)) from None


def read_file(path: Path, text: str | None = None) -> Node:
    """Read a YAML file that contains one mapping. Raises ``BadInput`` with every fault.

    :param text: the content, instead of that of the file.
    """
    node = read_path(path) if text is None else read_text(text.removeprefix("\ufeff"), str(path))
    if not isinstance(node.content, dict):
        empty = node.content is None
        message = "empty file" if empty else f"expected a mapping; found {describe_value(node.content)}"
        raise BadInput(Fault(str(path), 0 if empty else node.position.line, node.position.column, message))
    return node


def read_text(
    text: str, name: str, *, positions: bool = True, converter: type[Converter] | None = None
) -> Node:
    """Read YAML from ``text``; ``name`` is the file name in faults. Raises ``BadInput`` with every fault.

    :param converter: for another dialect of YAML.
    """
    convert = (converter or Converter)(name, positions)
    try:
        tree = compose(text, convert.resolver)
    except yaml.reader.ReaderError as error:
        before = text[: error.position]
        position = Position(name, before.count("\n") + 1, len(before) - (before.rfind("\n") + 1) + 1)
        message = f"character U+{error.character:04X} is not allowed in YAML"
        raise BadInput((position if positions else Position(name)).fault(message)) from None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        if "could not find expected ':'" in (error.problem or ""):
            mark = error.context_mark or mark  # of the line that lacks it
        position = Position(name, mark.line + 1, mark.column + 1) if mark and positions else Position(name)
        raise BadInput(position.fault(_syntax_message(error, text))) from None
    except RecursionError:
        raise BadInput(Position(name).fault(f"nested more than {MAX_DEPTH} levels deep")) from None
    node = convert.convert(tree, 0) if tree else Node(Position(name, 1 if positions else 0, 1), None)
    if convert.faults:
        raise BadInput(*convert.faults)
    return node


def describe_value(value: object) -> str:
    """Describe a value for a message, such as ``a mapping`` or ``the string 'on'``."""
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list):
        return "a list"
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return f"the string {value[:_MAX_SHOWN]!r}{'…' * (len(value) > _MAX_SHOWN)}"
    return f"the number {value}"


class Converter:
    """Converts PyYAML nodes to :class:`Node`. Counts nodes after alias expansion and collects faults.

    :cvar resolver: gives the tags of plain scalars; ``tags``: those that are accepted.
    """

    resolver: type[yaml.resolver.Resolver] = CoreSchema
    tags: Collection[str] = _TAGS

    def __init__(self, name: str, positions: bool) -> None:
        self.name = name
        self.positions = positions
        self.faults: list[Fault] = []
        self.nodes = 0
        self.furthest = Position(name)

    def position(self, node: yaml.Node) -> Position:
        """Return where a node starts."""
        if not self.positions:
            return Position(self.name)
        position = Position(self.name, node.start_mark.line + 1, node.start_mark.column + 1)
        # The node of an alias is that of its anchor, so that its position is an earlier one.
        if (position.line, position.column) > (self.furthest.line, self.furthest.column):
            self.furthest = position
        return position

    def convert(self, node: yaml.Node, depth: int) -> Node:
        """Convert a node with all that is in it."""
        position = self.position(node)
        self.nodes += 1
        if self.nodes > MAX_NODES:
            message = f"more than {MAX_NODES} values after alias expansion; write fewer aliases ('*name')"
            raise BadInput(self.furthest.fault(message))
        if depth > MAX_DEPTH:
            raise BadInput(position.fault(f"nested more than {MAX_DEPTH} levels deep, or a recursive alias"))
        if node.tag not in self.tags:
            shown = node.tag.replace("tag:yaml.org,2002:", "!!")
            self.faults.append(position.fault(f"tag '{shown}' is not supported"))
            return Node(position, None)
        if isinstance(node, yaml.MappingNode):
            return self.mapping(node, position, depth)
        if isinstance(node, yaml.SequenceNode):
            return Node(position, [self.convert(item, depth + 1) for item in node.value])
        return self.scalar(node, position)

    def mapping(self, node: yaml.MappingNode, position: Position, depth: int) -> Node:
        """Convert a mapping; duplicate, complex and merge keys are faults."""
        members: dict[str, Node] = {}
        keys: dict[str, Position] = {}
        for key, value in node.value:
            key_position = self.position(key)
            if not isinstance(key, yaml.ScalarNode) or key.value == "<<":
                message = "keys must be plain strings; merge keys ('<<') and complex keys are not supported"
                self.faults.append(key_position.fault(message))
            elif key.value in keys:
                first = keys[key.value].line
                self.faults.append(
                    key_position.fault(f"duplicate key '{key.value}'; first defined in line {first}")
                )
            else:
                self._check_characters(key.value, key_position)
                keys[key.value] = key_position
                members[key.value] = self.convert(value, depth + 1)
        return Node(position, members, keys=keys)

    def _check_characters(self, text: str, position: Position) -> None:
        """Refuse what only escapes such as ``\\0`` can write, and what neither files, commands nor JSON can hold."""
        found = _IMPOSSIBLE.search(text)
        if found:
            self.faults.append(position.fault(f"character U+{ord(found[0]):04X} is not allowed"))

    def scalar(self, node: yaml.Node, position: Position) -> Node:
        """Convert a scalar."""
        text = str(node.value)
        self._check_characters(text, position)
        value: Scalar
        try:
            value = _scalar_value(_TAGS[node.tag], text)
        except ValueError as error:
            self.faults.append(position.fault(f"'{text[:40]}' {error}"))
            return Node(position, None, text)
        return Node(position, value, text)


def _scalar_value(kind: str, text: str) -> Scalar:
    if kind == "null":
        return None
    if kind == "bool":
        return text.lower() == "true"
    if kind == "int":
        if len(text) > _INTEGER_BITS + 2:
            raise ValueError("does not fit in 64 bits; put it in quotes to pass it as text")
        if not INTEGER.fullmatch(text):
            raise ValueError("is not an integer")
        number = int(text, {"0x": 16, "0o": 8}.get(text[:2], 10))
        if not -(2 ** (_INTEGER_BITS - 1)) <= number < 2**_INTEGER_BITS:
            raise ValueError("does not fit in 64 bits; put it in quotes to pass it as text")
        return number
    if kind == "float":
        value = float(text.lower().replace(".inf", "inf").replace(".nan", "nan"))
        if not math.isfinite(value):
            raise ValueError("is not a finite number")
        return value
    return text


def _syntax_message(error: yaml.MarkedYAMLError, text: str) -> str:
    problem = error.problem or "syntax error"
    if "'\\t'" in problem:
        return "tabs cannot be used for indentation; use spaces"
    if "expected a single document" in (error.context or ""):
        return "expected a single document; found a second one ('---')"
    context = f" ({error.context})" if error.context else ""
    hint = _syntax_hint(error, text)
    return f"invalid YAML: {problem}{context}{'; ' if hint else ''}{hint}"


def _syntax_hint(error: yaml.MarkedYAMLError, text: str) -> str:
    """Return what to write instead; empty if nobody knows."""
    problem = error.problem or ""
    if "mapping values are not allowed" in problem and error.problem_mark:
        line = text.splitlines()[error.problem_mark.line : error.problem_mark.line + 1]
        before = "".join(line)[: error.problem_mark.column]
        if ": " in before:
            return "put a text that contains ': ' in quotes"
        return "the line before lacks ': ', or the indentation is wrong"
    if problem.startswith("expected <block end>"):
        return "the indentation is not that of the lines before"
    if problem.startswith(("expected ',' or ']'", "expected ',' or '}'")) and error.context_mark:
        if (
            problem.endswith("got ':'")
            and error.problem_mark
            and error.problem_mark.line == error.context_mark.line
        ):
            return "put a text that contains ': ' in quotes"
        bracket = problem[problem.index(" or ") + 5]
        return f"'{bracket}' is missing for the bracket in line {error.context_mark.line + 1}"
    if "unknown escape character" in problem:
        return "put a text with backslashes in single quotes"
    if "cannot start any token" in problem:
        return "put the text in quotes"
    return ""


def _suggest_file(path: Path) -> str:
    try:
        names = sorted(entry.name for entry in path.parent.iterdir() if entry.suffix in (".yaml", ".yml"))
    except OSError:
        return ""
    close = difflib.get_close_matches(path.name, names, n=1)
    return f"; did you mean '{path.with_name(close[0])}'?" if close else ""
