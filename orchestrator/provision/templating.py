"""Jinja2 templates of roles: undefined variables are errors, and the sandbox gives access to data only.

A template that is a single expression (``"{{ count }}"``) keeps the type of its value. Any other template yields a
string. The result of a template is data: it is never rendered again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from jinja2 import StrictUndefined, TemplateError, TemplateSyntaxError, Undefined, UndefinedError, nodes
from jinja2.exceptions import SecurityError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from orchestrator.errors import BadInput, Position
from orchestrator.provision.filters import FILTERS, TESTS
from orchestrator.provision.templates import UndefinedName

MAX_RANGE = 10_000
"""Length of the longest list that ``range`` yields in a template."""

_OF_VALUES = (ArithmeticError, TypeError, ValueError, LookupError, AttributeError)
_TOO_DEEP = (RecursionError, SyntaxError)
"""Of Jinja's parser, and of Python for the code that Jinja makes."""


@cache
def environment() -> ImmutableSandboxedEnvironment:
    """Return the Jinja2 environment that all templates share."""
    shared = ImmutableSandboxedEnvironment(
        undefined=StrictUndefined, keep_trailing_newline=True, trim_blocks=True, autoescape=False
    )
    shared.globals.clear()
    shared.globals["range"] = _range
    shared.filters.update(FILTERS)
    shared.tests.update(TESTS)
    return shared


def _range(*bounds: int) -> list[int]:
    numbers = range(*bounds)
    if len(numbers) > MAX_RANGE:
        raise SecurityError(f"range() is limited to {MAX_RANGE} numbers")
    return list(numbers)


def _delimited(expression: str) -> str:
    return "{{ (" + expression + "\n) }}"


def required_names(text: str, position: Position, *, expression: bool = False) -> frozenset[str]:
    """Return the variables that a template needs, without those that may be undefined (``is defined``, ``default``).

    Raises ``BadInput`` for a syntax error.

    :param expression: ``text`` is an expression without delimiters, as conditions are.
    """
    if expression:
        text = _delimited(text)
    try:
        tree = environment().parse(text)
        environment().from_string(text)  # raises for unknown filters and tests
    except TemplateSyntaxError as error:
        raise BadInput(
            _moved(position, 0 if expression else error.lineno - 1).fault(_message(error))
        ) from None
    except _TOO_DEEP as error:
        raise _fault(error, position) from None
    optional = {id(node) for node in _optional(tree)}
    assigned = {node.name for node in tree.find_all(nodes.Name) if node.ctx != "load"}
    return frozenset(
        node.name
        for node in tree.find_all(nodes.Name)
        if node.ctx == "load"
        and id(node) not in optional
        and node.name not in assigned
        and node.name not in environment().globals
    )


def position_of(name: str, text: str, position: Position) -> Position:
    """Return the position where a template, itself at ``position``, first uses a name."""
    lines = [node.lineno for node in environment().parse(text).find_all(nodes.Name) if node.name == name]
    return _moved(position, min(lines, default=1) - 1)


def _optional(tree: nodes.Template) -> Iterator[nodes.Node]:
    """Yield the parts of a template that may be undefined."""
    for node in tree.find_all((nodes.Test, nodes.Filter)):
        allowing = {"defined", "undefined"} if isinstance(node, nodes.Test) else {"default", "d"}
        if node.name in allowing and node.node is not None:
            yield node.node
            yield from node.node.find_all(nodes.Name)


def evaluate(text: str, position: Position, variables: Mapping[str, Any]) -> Any:
    """Return the value of a template. Raises ``UndefinedName`` or ``BadInput``."""
    inner = _only_expression(text)
    try:
        if inner is not None:
            return _expression(inner, variables)
        return environment().from_string(text).render(variables)
    except (TemplateError, *_OF_VALUES, *_TOO_DEEP) as error:
        raise _fault(error, position) from None


def expression(text: str, position: Position, variables: Mapping[str, Any]) -> Any:
    """Return the value of an expression without delimiters. Raises ``UndefinedName`` or ``BadInput``."""
    try:
        return _expression(text, variables)
    except (TemplateError, *_OF_VALUES, *_TOO_DEEP) as error:
        raise _fault(error, position) from None


def _fault(error: Exception, position: Position) -> BadInput:
    if isinstance(error, UndefinedError):
        return UndefinedName(position.fault(_message(error)))
    if isinstance(error, _TOO_DEEP):
        return BadInput(position.fault("template error: nested too deeply"))
    line = getattr(error, "lineno", 1) - 1
    return BadInput(_moved(position, line).fault(_message(error)))


def _moved(position: Position, lines: int) -> Position:
    """Return the position some lines further down. Within YAML the lines of a template cannot be counted: unchanged."""
    if not lines or (position.line, position.column) != (1, 1):
        return position
    return Position(position.file, position.line + lines, 1)


def _message(error: Exception) -> str:
    reason = (str(error).splitlines() or [type(error).__name__])[0].rstrip(".")
    return f"template error: {reason}"


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
    """Return the expression in a template that is a single expression; None for other templates."""
    if not (text.startswith("{{") and text.endswith("}}")):
        return None
    kinds = [kind for _, kind, _ in environment().lex(text)]
    if kinds.count("variable_begin") != 1 or kinds[0] != "variable_begin" or kinds[-1] != "variable_end":
        return None
    return text[2:-2].strip().strip("-+").strip()


def used_names(text: str, *, expression: bool = False) -> frozenset[str]:
    """Return the variables that a template uses, also those that may be undefined."""
    tree = environment().parse(_delimited(text) if expression else text)
    return frozenset(node.name for node in tree.find_all(nodes.Name) if node.ctx == "load")
