"""Expressions: of a safe subset the value is Python's own."""

from __future__ import annotations

import ast
import contextlib
import math
from collections.abc import Mapping
from random import Random

from orchestrator.documents.expressions import Expression, ExpressionError, Value
from orchestrator.units import parse_quantity
from tests.fuzz import mutation
from tests.fuzz.target import Target

VALUES: Mapping[str, Value] = {"a": 3, "b": 0.5, "mode": "serial", "on": True, "size": 4096, "zero": 0}
SEEDS = (
    "a * size <= 4096 and mode != 'copy'",
    "mode in ['serial', 'mbind'] or not on",
    "max(1, a // 2) + min(size, 7, -a) % 5",
    "ceil(size / 3) - floor(b) * round(2.5)",
    "log2(size) if on else abs(-a)",
    "'4KiB' * 2 == 8192",
    "1 < a <= 3 != zero",
    "str(a) + 'x' == mode",
    "int(b) + float('2')",
    "-(+a) - 1e300 * b",
)
FUNCTIONS = {
    "min": min, "max": max, "abs": abs, "ceil": math.ceil, "floor": math.floor, "round": round,
    "log2": math.log2, "int": int, "float": float, "str": str, "true": True, "false": False,
}  # fmt: skip
WORDS = (
    *FUNCTIONS,
    *VALUES,
    "and",
    "or",
    "not",
    "in",
    "if",
    "else",
    "==",
    "<=",
    "//",
    "%",
    "**",
    "lambda",
    "()",
)


def run(data: bytes) -> None:
    text = data.decode("utf-8", "surrogateescape")
    expression = Expression(text)
    expression.unknown(VALUES)
    with contextlib.suppress(ExpressionError):
        expression.holds(VALUES)
    value = expression.evaluate(VALUES)
    if _is_python(text):
        same = eval(text.strip(), {"__builtins__": {}}, {**FUNCTIONS, **VALUES})
        assert value == same, f"{value!r}, in Python {same!r}"


def _is_python(text: str) -> bool:
    """Whether an expression, which was evaluated, means the same in Python: no quantities, and no ``a and b``."""
    nodes = list(ast.walk(ast.parse(text.strip(), mode="eval")))
    quantities = any(
        isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and parse_quantity(node.value) is not None
        for node in nodes
    )
    dotted = any(isinstance(node, ast.Attribute | ast.BoolOp) for node in nodes)
    return not quantities and not dotted


def mutate(data: bytes, random: Random) -> bytes:
    if random.random() < 0.3:
        return mutation.text(*(word.encode() for word in WORDS))(data, random)
    words = data.decode("utf-8", "replace").split(" ")
    for _ in range(random.choice((1, 2, 4))):
        at = random.randrange(len(words))
        words[at : at + random.choice((0, 1, 1, 2))] = [
            random.choice((*WORDS, "1", "0", "2.5", "'x'", "(", ")", ","))
        ]
        words = words or [""]
    return " ".join(words).encode()


TARGET = Target(
    "expression",
    run,
    ("orchestrator.documents.compiler", "orchestrator.documents.expressions"),
    lambda: [text.encode() for text in SEEDS],
    mutate,
)
