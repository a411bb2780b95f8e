"""Safe expressions over the factors of a cell, such as ``pages * page_size <= '1GiB' and mode != 'copy'``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from orchestrator.documents.compiler import LARGEST_INTEGER, Compiler, Evaluator, ExpressionError, Value
from orchestrator.nearest import did_you_mean

__all__ = ["Expression", "ExpressionError", "Value"]


@dataclass(frozen=True, slots=True)
class Expression:
    """An expression, ready to be evaluated; equal when its text is. Raises ``ExpressionError`` if it is faulty.

    :ivar text: as written.
    :ivar references: each name used, with the column (from 1) where it is used first.
    """

    text: str
    references: tuple[tuple[str, int], ...] = field(init=False, repr=False, compare=False)
    _evaluator: Evaluator = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        references: dict[str, int] = {}
        evaluator = Compiler(self.text, references).expression()
        object.__setattr__(self, "references", tuple(references.items()))
        object.__setattr__(self, "_evaluator", evaluator)

    def __reduce__(self) -> tuple[type[Expression], tuple[str]]:
        return Expression, (self.text,)

    def __str__(self) -> str:
        return self.text

    @property
    def names(self) -> frozenset[str]:
        """The factors that the expression needs."""
        return frozenset(name for name, _ in self.references)

    def evaluate(self, values: Mapping[str, Value]) -> Value:
        """Compute the expression for one cell.

        ``values`` holds each factor by name, sizes in bytes. A whole number comes back as ``int`` also where it
        was computed as a ``float``, so that ``total / page_size`` is a count. Raises ``ExpressionError``.
        """
        value = self._evaluator(values)
        if isinstance(value, float) and value.is_integer() and abs(value) < LARGEST_INTEGER:
            return int(value)
        return value  # type: ignore[no-any-return]

    def holds(self, values: Mapping[str, Value]) -> bool:
        """Tell whether the expression is true for one cell. Raises ``ExpressionError``, also where it is no predicate.

        0 and 1 count as false and true: switches are written so. Any other value is a comparison that was forgotten.
        """
        value = self._evaluator(values)
        if value not in (0, 1):
            raise ExpressionError(f"is neither true nor false but {value!r}; compare it with something")
        return bool(value)

    def unknown(self, known: Iterable[str]) -> list[ExpressionError]:
        """One error for each name that is not ``known``, with the nearest one that is."""
        known = list(known)
        return [
            ExpressionError(f"'{name}' is not a factor or an argument; {did_you_mean(name, known)}", column)
            for name, column in self.references
            if name not in known
        ]
