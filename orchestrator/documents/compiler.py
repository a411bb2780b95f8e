"""Compile an expression into nested functions.

:mod:`ast` parses the text. Python never executes any of it. Only the constructs in the tables below are supported.
Numbers and strings are bounded, so the length of the expression bounds the cost of an evaluation. The allow list of
AST nodes follows Ramble.
"""

from __future__ import annotations

import ast
import math
import operator
import re
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from orchestrator.errors import BadInput
from orchestrator.nearest import did_you_mean
from orchestrator.units import parse_quantity, plural

Value = bool | int | float | str
"""A value in an expression. A size is a number of bytes, a duration a number of seconds."""
Evaluator = Callable[[Mapping[str, Value]], Any]

MAX_LENGTH = 1000
MAX_INTEGER = 2**64
_OPERATORS: Mapping[type[ast.AST], tuple[str, Callable[[Any, Any], Any]]] = {
    ast.Add: ("+", operator.add),
    ast.Sub: ("-", operator.sub),
    ast.Mult: ("*", operator.mul),
    ast.Div: ("/", operator.truediv),
    ast.FloorDiv: ("//", operator.floordiv),
    ast.Mod: ("%", operator.mod),
}
_COMPARISONS: Mapping[type[ast.AST], tuple[str, Callable[[Any, Any], Any]]] = {
    ast.Eq: ("==", operator.eq),
    ast.NotEq: ("!=", operator.ne),
    ast.Lt: ("<", operator.lt),
    ast.LtE: ("<=", operator.le),
    ast.Gt: (">", operator.gt),
    ast.GtE: (">=", operator.ge),
}
#: name: (function, minimum number of arguments, maximum number of arguments)
_FUNCTIONS: Mapping[str, tuple[Callable[..., Any], int, int]] = {
    "min": (min, 2, 20),
    "max": (max, 2, 20),
    "abs": (abs, 1, 1),
    "ceil": (math.ceil, 1, 1),
    "floor": (math.floor, 1, 1),
    "round": (round, 1, 1),
    "log2": (math.log2, 1, 1),
    "int": (int, 1, 1),
    "float": (float, 1, 1),
    "str": (str, 1, 1),
}
_HINTS = {
    "&&": "use 'and' instead of '&&'",
    "||": "use 'or' instead of '||'",
    "&": "use 'and' instead of '&'",
    "|": "use 'or' instead of '|'",
    "!": "use 'not' instead of '!'",
    "=": "use '==' to compare",
}
_QUOTED = re.compile("'[^']*'|\"[^\"]*\"")
_WITH_UNIT = re.compile(r"\b\d+(\.\d+)?[A-Za-z]+\b")


class ExpressionError(BadInput):
    """An expression is invalid, or cannot be evaluated for a cell. ``column`` counts from 1; 0 means unknown."""

    def __init__(self, message: str, column: int = 0) -> None:
        self.column = column
        super().__init__(f"{message} (column {column} of the expression)" if column else message)


class Compiler:
    """Compiles one expression. Fills ``references`` with each name and the column of its first use."""

    def __init__(self, text: str, references: dict[str, int]) -> None:
        self.text = text
        self.references = references

    def compile(self) -> Evaluator:
        """Compile the expression. Raises ``ExpressionError``."""
        if len(self.text) > MAX_LENGTH:
            raise ExpressionError(f"expression longer than {MAX_LENGTH} characters")
        text = self.text.strip()  # Python would read leading blanks as an indent
        if not text:
            raise ExpressionError("empty expression")
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of Python's parser, to who wrote Python
                tree = ast.parse(text, mode="eval")
            return self._compile(tree.body)
        except SyntaxError as error:
            raise ExpressionError(self._syntax_message(), self._column((error.offset or 1) - 1)) from None
        except (RecursionError, MemoryError):
            raise ExpressionError("expression nested too deeply; use fewer parentheses and signs") from None
        except (ValueError, OverflowError):
            raise ExpressionError("invalid character in the expression") from None

    def _syntax_message(self) -> str:
        text = self.text
        for comparison in ("==", "!=", "<=", ">="):
            text = text.replace(comparison, "  ")
        hint = next((hint for token, hint in _HINTS.items() if token in text), "")
        if with_unit := _WITH_UNIT.search(_QUOTED.sub("", text)):
            hint = f"put a value with a unit in quotes: '{with_unit[0]}'"
        return f"syntax error in '{self.text[:60]}'{hint and f'; {hint}'}"

    def _compile(self, node: ast.expr) -> Evaluator:
        method = getattr(self, f"_{type(node).__name__.lower()}", None)
        if method is None:
            kind = type(node).__name__.lower()
            raise self._error(
                node, f"'{ast.get_source_segment(self.text.strip(), node) or kind}' is not supported"
            )
        compiled: Evaluator = method(node)
        return compiled

    def _error(self, node: ast.expr, message: str) -> ExpressionError:
        before = self.text.strip().encode()[: node.col_offset].decode(errors="ignore")
        return ExpressionError(message, self._column(len(before)))

    def _column(self, offset: int) -> int:
        return offset + 1 + len(self.text) - len(self.text.lstrip())

    def _constant(self, node: ast.Constant) -> Evaluator:
        value = node.value
        if isinstance(value, str):
            size = parse_quantity(value)
            value = value if size is None else size
        if not isinstance(value, bool | int | float | str):
            raise self._error(
                node, f"unsupported constant {value!r}; expected a number, a string, true or false"
            )
        _bounded(value)
        return lambda _values: value

    def _name(self, node: ast.expr) -> Evaluator:
        name = self._dotted(node)
        if name in ("true", "True"):
            return lambda _values: True
        if name in ("false", "False"):
            return lambda _values: False
        self.references.setdefault(name, self._error(node, "").column)

        def lookup(values: Mapping[str, Value]) -> Value:
            if name not in values:
                raise ExpressionError(unknown_name(name, values))
            return values[name]

        return lookup

    _attribute = _name

    def _dotted(self, node: ast.expr) -> str:
        if isinstance(node, ast.Attribute):
            return f"{self._dotted(node.value)}.{node.attr}"
        if isinstance(node, ast.Name):
            return node.id
        raise self._error(node, "a dot is only allowed in the name of a factor")

    def _binop(self, node: ast.BinOp) -> Evaluator:
        entry = _OPERATORS.get(type(node.op))
        if entry is None:
            raise self._error(node, f"unsupported operator; supported: {_symbols(_OPERATORS)}")
        left, right = self._compile(node.left), self._compile(node.right)
        symbol, function = entry

        def compute(values: Mapping[str, Value]) -> Any:
            a, b = left(values), right(values)
            strings = isinstance(a, str) + isinstance(b, str)
            # Strings can only be concatenated: 'text' * 9**9 and '%999999d' would use unbounded memory.
            if strings == 1 or (strings == 2 and symbol != "+"):
                raise ExpressionError(f"cannot compute {a!r} {symbol} {b!r}: {_operands(a, b)}")
            try:
                return _bounded(function(a, b))
            except (ArithmeticError, TypeError) as error:
                raise ExpressionError(f"cannot compute {a!r} {symbol} {b!r}: {_arithmetic(error)}") from None

        return compute

    def _unaryop(self, node: ast.UnaryOp) -> Evaluator:
        operand = self._compile(node.operand)
        if isinstance(node.op, ast.Not):
            return lambda values: not operand(values)
        if isinstance(node.op, ast.Invert):
            raise self._error(node, "unsupported operator '~'; use 'not'")
        sign = operator.neg if isinstance(node.op, ast.USub) else operator.pos

        def compute(values: Mapping[str, Value]) -> Any:
            value = operand(values)
            if isinstance(value, str):
                raise ExpressionError(f"cannot apply a sign to the string {value!r}")
            return sign(value)

        return compute

    def _boolop(self, node: ast.BoolOp) -> Evaluator:
        parts = [self._compile(value) for value in node.values]
        if isinstance(node.op, ast.And):
            return lambda values: all(part(values) for part in parts)
        return lambda values: any(part(values) for part in parts)

    def _ifexp(self, node: ast.IfExp) -> Evaluator:
        test, then, other = (self._compile(part) for part in (node.test, node.body, node.orelse))
        return lambda values: then(values) if test(values) else other(values)

    def _compare(self, node: ast.Compare) -> Evaluator:
        operands = [self._operand(part) for part in (node.left, *node.comparators)]
        steps = [self._comparison(node, operation) for operation in node.ops]

        def compute(values: Mapping[str, Value]) -> bool:
            left = operands[0](values)
            for step, operand in zip(steps, operands[1:], strict=True):
                right = operand(values)
                if not step(left, right):
                    return False
                left = right
            return True

        return compute

    def _operand(self, node: ast.expr) -> Evaluator:
        if not isinstance(node, ast.Tuple | ast.List):
            return self._compile(node)
        parts = [self._compile(part) for part in node.elts]
        return lambda values: [part(values) for part in parts]

    def _comparison(self, node: ast.Compare, operation: ast.cmpop) -> Callable[[Any, Any], bool]:
        if isinstance(operation, ast.In | ast.NotIn):
            if not all(isinstance(part, ast.Tuple | ast.List) for part in node.comparators):
                raise self._error(
                    node.comparators[0], "'in' requires a list, such as mode in ['serial', 'mbind']"
                )
            expected = isinstance(operation, ast.In)
            return lambda value, items: (value in items) is expected
        entry = _COMPARISONS.get(type(operation))
        if entry is None or any(
            isinstance(part, ast.Tuple | ast.List) for part in (node.left, *node.comparators)
        ):
            raise self._error(node, f"unsupported comparison; supported: {_symbols(_COMPARISONS)} in")
        symbol, function = entry

        def compare(left: Any, right: Any) -> bool:
            try:
                return bool(function(left, right))
            except TypeError:
                raise ExpressionError(
                    f"cannot compare {left!r} {symbol} {right!r}: a number and a string"
                ) from None

        return compare

    def _call(self, node: ast.Call) -> Evaluator:
        name = node.func.id if isinstance(node.func, ast.Name) else ""
        if name not in _FUNCTIONS:
            name = name or ast.get_source_segment(self.text.strip(), node.func) or self.text.strip()
            raise self._error(node, f"unknown function '{name}'; {did_you_mean(name, _FUNCTIONS)}")
        function, minimum, maximum = _FUNCTIONS[name]
        if node.keywords:
            raise self._error(node, f"function '{name}' takes no argument '{node.keywords[0].arg or '**'}='")
        if not minimum <= len(node.args) <= maximum:
            expected = (
                plural(minimum, "argument") if minimum == maximum else f"{minimum} to {maximum} arguments"
            )
            raise self._error(node, f"function '{name}' takes {expected}, not {len(node.args)}")
        arguments = [self._compile(argument) for argument in node.args]

        def compute(values: Mapping[str, Value]) -> Any:
            evaluated = [argument(values) for argument in arguments]
            try:
                return _bounded(function(*evaluated))
            except (ArithmeticError, TypeError, ValueError) as error:
                shown = ", ".join(map(repr, evaluated))
                raise ExpressionError(
                    f"cannot compute {name}({shown}): {_reason(name, evaluated, error)}"
                ) from None

        return compute


def _operands(a: Value, b: Value) -> str:
    """Return why two operands of which one is a string, or both are, cannot be combined."""
    text = a if isinstance(a, str) else b
    both = isinstance(a, str) and isinstance(b, str)
    return "strings can only be joined, with +" if both else f"{text!r} is a string, not a number"


def _arithmetic(error: Exception) -> str:
    return "division by zero" if isinstance(error, ZeroDivisionError) else "the result is too large"


def _reason(name: str, arguments: Sequence[Value], error: Exception) -> str:
    """Return why a function cannot be computed, without the texts of Python."""
    text = next((argument for argument in arguments if isinstance(argument, str)), None)
    if text is not None:
        return f"{text!r} is a string, not a number"
    return "the logarithm needs a number > 0" if name == "log2" else _arithmetic(error)


def compared_texts(text: str) -> Iterator[tuple[str, str]]:
    """Yield each name of a valid expression that is compared for equality with a text, and the text."""
    for node in ast.walk(ast.parse(text.strip(), mode="eval")):
        if isinstance(node, ast.Compare) and isinstance(node.ops[0], ast.Eq | ast.In):
            sides = [node.left, *node.comparators]
            names = [side.id for side in sides if isinstance(side, ast.Name)]
            values = [item for side in sides for item in getattr(side, "elts", [side])]
            texts = [value.value for value in values if isinstance(value, ast.Constant)]
            yield from ((name, value) for name in names for value in texts if isinstance(value, str))


def unknown_name(name: str, known: Iterable[str], texts: Iterable[str] = ()) -> str:
    """Return the message for a name that an expression cannot use; one of ``texts`` lacks its quotes."""
    if name in texts:
        return f"'{name}' is not a factor or an argument; put a text in quotes: '{name}'"
    return f"'{name}' is not a factor or an argument; {did_you_mean(name, known)}"


def _symbols(table: Mapping[type[ast.AST], tuple[str, Any]]) -> str:
    return " ".join(symbol for symbol, _ in table.values())


def _bounded(value: Any) -> Any:
    """Return ``value``; raise ``ExpressionError`` for a value that is too large or not finite."""
    if isinstance(value, float) and not math.isfinite(value):
        raise ExpressionError("the result is not a finite number")
    if isinstance(value, int) and abs(value) > MAX_INTEGER:
        raise ExpressionError("the result does not fit in 64 bits")
    if isinstance(value, str) and len(value) > MAX_LENGTH:
        raise ExpressionError(f"the result is longer than {MAX_LENGTH} characters")
    return value
