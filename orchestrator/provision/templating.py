"""Jinja2 as roles use it: strict about names that nobody has defined, closed to everything but data.

A text that is one expression and nothing else (``"{{ count }}"``) is the value of that expression, of whatever type;
any other text stays a text. What a template yields is data and is never filled in again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from jinja2 import StrictUndefined, TemplateError, TemplateSyntaxError, Undefined, UndefinedError, nodes
from jinja2.exceptions import SecurityError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from orchestrator.documents.document import Node
from orchestrator.errors import BadInput, Position
from orchestrator.provision.filters import FILTERS, TESTS

_MARKS = ("{{", "{%", "{#")
_EXCUSING = frozenset({"defined", "undefined"})


class UndefinedName(BadInput):
    """A name has no value, at least not yet."""


@cache
def environment() -> ImmutableSandboxedEnvironment:
    """The one environment."""
    made = ImmutableSandboxedEnvironment(
        undefined=StrictUndefined, keep_trailing_newline=True, trim_blocks=True, autoescape=False
    )
    made.globals.clear()
    made.globals["range"] = _range
    made.filters.update(FILTERS)
    made.tests.update(TESTS)
    return made


def _range(*bounds: int) -> list[int]:
    counted = range(*bounds)
    if len(counted) > 10_000:
        raise SecurityError("range of more than 10000 numbers")
    return list(counted)


def is_template(value: object) -> bool:
    """Whether a value is a text that has something to be filled in."""
    return isinstance(value, str) and any(mark in value for mark in _MARKS)


def names(text: str, position: Position, *, expression: bool = False) -> frozenset[str]:
    """Names that a template needs; those it only asks for (``is defined``, ``default``) are left out.

    Raises ``BadInput`` for a template that cannot be read.
    """
    if expression:
        text = "{{ (" + text + "\n) }}"
    try:
        tree = environment().parse(text)
        environment().from_string(text)  # unknown filters and tests
    except TemplateSyntaxError as error:
        raise BadInput(
            _moved(position, 0 if expression else error.lineno - 1).fault(f"{_said(error)}")
        ) from None
    excused = {id(node) for node in _excused(tree)}
    stored = {node.name for node in tree.find_all(nodes.Name) if node.ctx != "load"}
    return frozenset(
        node.name
        for node in tree.find_all(nodes.Name)
        if node.ctx == "load"
        and id(node) not in excused
        and node.name not in stored
        and node.name not in environment().globals
    )


def position_of(name: str, text: str, position: Position) -> Position:
    """Where a template that stands at ``position`` uses a name first."""
    lines = [node.lineno for node in environment().parse(text).find_all(nodes.Name) if node.name == name]
    return _moved(position, min(lines, default=1) - 1)


def _excused(tree: nodes.Template) -> Iterator[nodes.Node]:
    for node in tree.find_all((nodes.Test, nodes.Filter)):
        known = _EXCUSING if isinstance(node, nodes.Test) else {"default", "d"}
        if node.name in known and node.node is not None:
            yield node.node
            yield from node.node.find_all(nodes.Name)


def evaluate(text: str, position: Position, variables: Mapping[str, Any]) -> Any:
    """The value of a template."""
    inner = _only_expression(text)
    try:
        if inner is not None:
            return _expression(inner, variables)
        return environment().from_string(text).render(variables)
    except (TemplateError, ArithmeticError, TypeError, ValueError, LookupError, AttributeError) as error:
        raise _fault(error, position) from None


def expression(text: str, position: Position, variables: Mapping[str, Any]) -> Any:
    """The value of an expression that stands without braces."""
    try:
        return _expression(text, variables)
    except (TemplateError, ArithmeticError, TypeError, ValueError, LookupError, AttributeError) as error:
        raise _fault(error, position) from None


def _fault(error: Exception, position: Position) -> BadInput:
    if isinstance(error, UndefinedError):
        return UndefinedName(position.fault(_said(error)))
    line = getattr(error, "lineno", 1) - 1
    return BadInput(_moved(position, line).fault(_said(error)))


def _moved(position: Position, lines: int) -> Position:
    """A position some lines further down, in a text that is a whole file; in YAML its lines are not ours to count."""
    if not lines or (position.line, position.column) != (1, 1):
        return position
    return Position(position.file, position.line + lines, 1)


def _said(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0].rstrip(".")


def _expression(text: str, variables: Mapping[str, Any]) -> Any:
    value = _compiled(text)(**variables)
    if isinstance(value, Undefined):
        str(value)  # which a StrictUndefined refuses with its reason
    return value


@cache
def _compiled(text: str) -> Any:
    return environment().compile_expression(text, undefined_to_none=False)


@cache
def _only_expression(text: str) -> str | None:
    """What stands between the braces of a text that is nothing but one expression."""
    if not (text.startswith("{{") and text.endswith("}}")):
        return None
    kinds = [kind for _, kind, _ in environment().lex(text)]
    if kinds.count("variable_begin") != 1 or kinds[0] != "variable_begin" or kinds[-1] != "variable_end":
        return None
    return text[2:-2].strip().strip("-+").strip()


def texts(node: Node) -> Iterator[Node]:
    """Every part of a document that is a template."""
    if isinstance(node.content, dict):
        for inner in node.content.values():
            yield from texts(inner)
    elif isinstance(node.content, list):
        for inner in node.content:
            yield from texts(inner)
    elif is_template(node.content):
        yield node


def as_node(value: Any, position: Position) -> Node:
    """Plain data as a document, all of it at one position."""
    if isinstance(value, Mapping):
        members = {str(key): as_node(inner, position) for key, inner in value.items()}
        return Node(position, members, keys=dict.fromkeys(members, position))
    if isinstance(value, list | tuple):
        return Node(position, [as_node(inner, position) for inner in value])
    if value is None or isinstance(value, bool | int | float | str):
        return Node(position, value, "" if value is None else str(value))
    return Node(position, str(value), str(value))


def mentioned(text: str, *, expression: bool = False) -> frozenset[str]:
    """Every name in a template, needed or not."""
    tree = environment().parse("{{ (" + text + "\n) }}" if expression else text)
    return frozenset(node.name for node in tree.find_all(nodes.Name) if node.ctx == "load")
