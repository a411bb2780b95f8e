"""Safe expressions on the factors of a cell, such as ``pages * page_size <= '1GiB' and mode != 'copy'``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from orchestrator.documents.compiler import (
    MAX_INTEGER,
    Compiler,
    Evaluator,
    ExpressionError,
    Value,
    unknown_name,
)

__all__ = ["Expression", "ExpressionError", "Value"]


@dataclass(frozen=True, slots=True)
class Expression:
    """A compiled expression. Two expressions are equal if their texts are. Raises ``ExpressionError`` if invalid.

    :ivar text: as written.
    :ivar references: each name with the column (from 1) of its first use.
    """

    text: str
    references: tuple[tuple[str, int], ...] = field(init=False, repr=False, compare=False)
    _evaluator: Evaluator = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        references: dict[str, int] = {}
        evaluator = Compiler(self.text, references).compile()
        object.__setattr__(self, "references", tuple(references.items()))
        object.__setattr__(self, "_evaluator", evaluator)

    def __reduce__(self) -> tuple[type[Expression], tuple[str]]:
        return Expression, (self.text,)

    def __str__(self) -> str:
        return self.text

    @property
    def names(self) -> frozenset[str]:
        """The names that the expression uses."""
        return frozenset(name for name, _ in self.references)

    def evaluate(self, values: Mapping[str, Value]) -> Value:
        """Evaluate the expression for one cell.

        ``values`` maps each factor to its value, sizes in bytes. A float with an integer value is returned as
        ``int``, so ``total / page_size`` is a count. Raises ``ExpressionError``.
        """
        value = self._evaluator(values)
        if isinstance(value, float) and value.is_integer() and abs(value) < MAX_INTEGER:
            return int(value)
        return value  # type: ignore[no-any-return]

    def holds(self, values: Mapping[str, Value]) -> bool:
        """Return whether the expression is true for one cell.

        0 and 1 count as false and true, as switches are written so. Raises ``ExpressionError`` for any other value: it
        most likely lacks a comparison.
        """
        value = self._evaluator(values)
        if value not in (0, 1):
            example = "== 'serial'" if isinstance(value, str) else "> 0"
            raise ExpressionError(
                f'expected true or false; the result is {value!r}; add a comparison, such as "{example}"'
            )
        return bool(value)

    def unknown(self, known: Iterable[str]) -> list[ExpressionError]:
        """Return one error for each name that is not in ``known``, with the closest known name."""
        known = list(known)
        return [
            ExpressionError(unknown_name(name, known), column)
            for name, column in self.references
            if name not in known
        ]
