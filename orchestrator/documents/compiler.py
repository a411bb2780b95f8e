"""How the text of an expression becomes nested functions.

The text is parsed by :mod:`ast`; nothing of it is ever executed by Python itself. Only the constructs of the
tables below exist, every number is bounded, and so is every text: the cost of an evaluation is bounded by the
length of the expression. The idea of a white list of nodes is Ramble's.
"""

from __future__ import annotations

import ast
import math
import operator
from collections.abc import Callable, Mapping
from typing import Any

from orchestrator.errors import BadInput
from orchestrator.nearest import did_you_mean
from orchestrator.units import parse_quantity

Value = bool | int | float | str
"""A level as expressions see it: a size is a number of bytes, a duration a number of seconds."""
Evaluator = Callable[[Mapping[str, Value]], Any]

LONGEST_TEXT = 1000
LARGEST_INTEGER = 2**64
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
#: name: (function, fewest arguments, most arguments)
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
    "&&": "write 'and' for '&&'",
    "||": "write 'or' for '||'",
    "&": "write 'and' for '&'",
    "|": "write 'or' for '|'",
    "!": "write 'not' for '!'",
    "=": "write '==' to compare",
}


class ExpressionError(BadInput):
    """An expression cannot be read, or not be computed for some cell; ``column`` counts from 1, 0: unknown."""

    def __init__(self, message: str, column: int = 0) -> None:
        self.column = column
        super().__init__(f"{message} (column {column} of the expression)" if column else message)


class Compiler:
    """Turns one text into nested functions; fills ``references`` with each name and the column of its first use."""

    def __init__(self, text: str, references: dict[str, int]) -> None:
        self.text = text
        self.references = references

    def expression(self) -> Evaluator:
        """Compile the whole text. Raises ``ExpressionError``."""
        if len(self.text) > LONGEST_TEXT:
            raise ExpressionError(f"the expression is longer than {LONGEST_TEXT} characters")
        text = self.text.strip()  # leading blanks would be an indent to Python
        if not text:
            raise ExpressionError("the expression is empty")
        try:
            tree = ast.parse(text, mode="eval")
            return self._compile(tree.body)
        except SyntaxError as error:
            raise ExpressionError(self._hint(), self._column((error.offset or 1) - 1)) from None
        except (RecursionError, MemoryError, ValueError, OverflowError):
            raise ExpressionError(
                "the expression is too deeply nested or holds a character it cannot"
            ) from None

    def _hint(self) -> str:
        plain = self.text
        for comparison in ("==", "!=", "<=", ">="):
            plain = plain.replace(comparison, "  ")
        found = next((hint for token, hint in _HINTS.items() if token in plain), None)
        return f"'{self.text[:60]}' is not an expression: {found or 'something is missing or too much here'}"

    def _compile(self, node: ast.expr) -> Evaluator:
        method = getattr(self, f"_{type(node).__name__.lower()}", None)
        if method is None:
            kind = type(node).__name__.lower()
            raise self._refuse(
                node, f"'{ast.get_source_segment(self.text.strip(), node) or kind}' is not allowed"
            )
        compiled: Evaluator = method(node)
        return compiled

    def _refuse(self, node: ast.expr, message: str) -> ExpressionError:
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
            raise self._refuse(node, f"{value!r} is neither a number, a text nor true or false")
        _bounded(value)
        return lambda _values: value

    def _name(self, node: ast.expr) -> Evaluator:
        name = self._dotted(node)
        if name in ("true", "True"):
            return lambda _values: True
        if name in ("false", "False"):
            return lambda _values: False
        self.references.setdefault(name, self._refuse(node, "").column)

        def lookup(values: Mapping[str, Value]) -> Value:
            if name not in values:
                raise ExpressionError(
                    f"'{name}' is not a factor or an argument; {did_you_mean(name, values)}"
                )
            return values[name]

        return lookup

    _attribute = _name

    def _dotted(self, node: ast.expr) -> str:
        if isinstance(node, ast.Attribute):
            return f"{self._dotted(node.value)}.{node.attr}"
        if isinstance(node, ast.Name):
            return node.id
        raise self._refuse(node, "a dot may stand only inside the name of a factor")

    def _binop(self, node: ast.BinOp) -> Evaluator:
        known = _OPERATORS.get(type(node.op))
        if known is None:
            raise self._refuse(node, f"operator not allowed here; known: {_symbols(_OPERATORS)}")
        left, right = self._compile(node.left), self._compile(node.right)
        symbol, function = known

        def compute(values: Mapping[str, Value]) -> Any:
            a, b = left(values), right(values)
            texts = isinstance(a, str) + isinstance(b, str)
            # No 'text' * 9**9 and no '%999999d': a text can only be joined to a text.
            if texts == 1 or (texts == 2 and symbol != "+"):
                raise ExpressionError(f"cannot compute {a!r} {symbol} {b!r}")
            try:
                return _bounded(function(a, b))
            except (ArithmeticError, TypeError) as error:
                raise ExpressionError(f"cannot compute {a!r} {symbol} {b!r}: {error}") from None

        return compute

    def _unaryop(self, node: ast.UnaryOp) -> Evaluator:
        operand = self._compile(node.operand)
        if isinstance(node.op, ast.Not):
            return lambda values: not operand(values)
        if isinstance(node.op, ast.Invert):
            raise self._refuse(node, "there is no '~'; write 'not'")
        sign = operator.neg if isinstance(node.op, ast.USub) else operator.pos

        def compute(values: Mapping[str, Value]) -> Any:
            value = operand(values)
            if isinstance(value, str):
                raise ExpressionError(f"{value!r} is a text and has no sign")
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
                raise self._refuse(
                    node.comparators[0], "'in' needs a list, such as mode in ['serial', 'mbind']"
                )
            wanted = isinstance(operation, ast.In)
            return lambda value, among: (value in among) is wanted
        known = _COMPARISONS.get(type(operation))
        if known is None or any(
            isinstance(part, ast.Tuple | ast.List) for part in (node.left, *node.comparators)
        ):
            raise self._refuse(node, f"comparison not allowed here; known: {_symbols(_COMPARISONS)}, in")
        symbol, function = known

        def compare(left: Any, right: Any) -> bool:
            try:
                return bool(function(left, right))
            except TypeError:
                raise ExpressionError(
                    f"cannot compare {left!r} {symbol} {right!r}: a number and a text"
                ) from None

        return compare

    def _call(self, node: ast.Call) -> Evaluator:
        name = node.func.id if isinstance(node.func, ast.Name) else ""
        if name not in _FUNCTIONS:
            raise self._refuse(node, f"'{name}' is not a function; {did_you_mean(name, _FUNCTIONS)}")
        function, fewest, most = _FUNCTIONS[name]
        if node.keywords or not fewest <= len(node.args) <= most:
            expected = str(fewest) if fewest == most else f"{fewest} to {most}"
            raise self._refuse(node, f"'{name}' takes {expected} plain arguments")
        arguments = [self._compile(argument) for argument in node.args]

        def compute(values: Mapping[str, Value]) -> Any:
            given = [argument(values) for argument in arguments]
            try:
                return _bounded(function(*given))
            except (ArithmeticError, TypeError, ValueError) as error:
                shown = ", ".join(map(repr, given))
                raise ExpressionError(f"cannot compute {name}({shown}): {error}") from None

        return compute


def _symbols(table: Mapping[type[ast.AST], tuple[str, Any]]) -> str:
    return " ".join(symbol for symbol, _ in table.values())


def _bounded(value: Any) -> Any:
    """Refuse what could grow without end or spoil comparisons."""
    if isinstance(value, float) and not math.isfinite(value):
        raise ExpressionError("the result is not a finite number")
    if isinstance(value, int) and abs(value) > LARGEST_INTEGER:
        raise ExpressionError("the result does not fit in 64 bits")
    if isinstance(value, str) and len(value) > LONGEST_TEXT:
        raise ExpressionError(f"the result is longer than {LONGEST_TEXT} characters")
    return value
