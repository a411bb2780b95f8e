"""Safe expressions on the factors of a cell, such as ``pages * page_size <= '1GiB' and mode != 'copy'``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from orchestrator.documents.compiler import (
    MAX_INTEGER,
    Compiler,
    Evaluator,
    ExpressionError,
    Value,
    compared_texts,
    unknown_name,
)

__all__ = ["Expression", "ExpressionError", "Value"]


class Expression:
    """A compiled expression. Two expressions are equal if their texts are. Raises ``ExpressionError`` if invalid.

    :ivar text: as written.
    :ivar references: each name with the column (from 1) of its first use.
    """

    __slots__ = ("_evaluator", "references", "text")

    def __init__(self, text: str) -> None:
        references: dict[str, int] = {}
        self.text = text
        self._evaluator: Evaluator = Compiler(text, references).compile()
        self.references: tuple[tuple[str, int], ...] = tuple(references.items())

    def __eq__(self, other: object) -> bool:
        return self.text == other.text if isinstance(other, Expression) else NotImplemented

    def __hash__(self) -> int:
        return hash(self.text)

    def __reduce__(self) -> tuple[type[Expression], tuple[str]]:
        return Expression, (self.text,)

    def __repr__(self) -> str:
        return f"Expression({self.text!r})"

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

    def compared_texts(self) -> tuple[tuple[str, str], ...]:
        """Return each name that is compared for equality with a text, and the text."""
        return tuple(compared_texts(self.text))

    def unknown(self, known: Iterable[str], texts: Iterable[str] = ()) -> dict[str, ExpressionError]:
        """Return an error for each name that is not in ``known``, with the closest known name.

        :param texts: levels, which may lack their quotes.
        """
        known, texts = list(known), set(texts)
        return {
            name: ExpressionError(unknown_name(name, known, texts), column)
            for name, column in self.references
            if name not in known
        }
