"""The combinations of a sweep by index. They are computed on request and never stored."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence

from orchestrator.documents.expressions import Expression, ExpressionError, Value
from orchestrator.experiment.levels import computed_level
from orchestrator.experiment.model import Level, Sweep


class CellError(ExpressionError):
    """An expression cannot be evaluated for a cell."""

    def __init__(self, expression: Expression, levels: Mapping[str, Level], error: ExpressionError) -> None:
        self.expression = expression
        cell = ", ".join(f"{name}={level.text}" for name, level in levels.items())
        super().__init__(f"cannot evaluate '{expression}' for cell {cell or '(no factors)'}: {error}")


class Combinations:
    """The product of a sweep's axes, with derived factors and without excluded cells.

    :ivar lengths: number of levels of each axis; ``has_predicates``: whether predicates may exclude cells.
    :param constants: further values for expressions: arguments of the benchmark, and the kernel if there is only one.
    :param where: further predicates; all must be true.
    """

    def __init__(
        self, sweep: Sweep, constants: Mapping[str, Value], where: Sequence[Expression] = ()
    ) -> None:
        self._sweep = sweep
        self._constants = dict(constants)
        self._where = tuple(where)
        self._rows = [
            [
                tuple((factor.name, factor.levels[index]) for factor in axis.factors)
                for index in range(len(axis))
            ]
            for axis in sweep.axes
        ]
        self.lengths = tuple(len(axis) for axis in sweep.axes)
        self.has_predicates = bool(sweep.include or sweep.exclude or self._where)

    @property
    def names(self) -> tuple[str, ...]:
        """All names that an expression can use."""
        factors = (factor.name for axis in self._sweep.axes for factor in axis.factors)
        derived = (derived.name for derived in self._sweep.derived)
        return tuple(dict.fromkeys((*factors, *derived, *self._constants)))

    def indices(self) -> Iterator[tuple[int, ...]]:
        """Yield the indices of every combination, one for each axis; the last axis varies fastest."""
        return itertools.product(*(range(length) for length in self.lengths))

    @property
    def count(self) -> int:
        """The number of combinations, excluded ones too; ``len`` has a limit."""
        return math.prod(self.lengths)

    def at(self, indices: Sequence[int]) -> dict[str, Level] | None:
        """Return the levels of a combination by factor; None if it is excluded.

        Raises ``CellError``.
        """
        levels: dict[str, Level] = {}
        values = dict(self._constants)
        for rows, index in zip(self._rows, indices, strict=True):
            for name, level in rows[index]:
                levels[name] = level
                values[name] = level.value
        failure: CellError | None = None
        for derived in self._sweep.derived:
            try:
                value = derived.expression.evaluate(values)
            except ExpressionError as error:
                # An excluded cell needs no value, so evaluate the predicates first.
                failure = CellError(derived.expression, levels, error)
                break
            levels[derived.name] = computed_level(value)
            values[derived.name] = value
        if self.has_predicates and not self._is_included(levels, values, failure):
            return None
        if failure:
            raise failure
        return levels

    def _is_included(
        self, levels: Mapping[str, Level], values: Mapping[str, Value], failure: CellError | None
    ) -> bool:
        def holds(expression: Expression) -> bool:
            try:
                return expression.holds(values)
            except ExpressionError as error:
                raise failure or CellError(expression, levels, error) from None

        include, exclude = self._sweep.include, self._sweep.exclude
        if any(holds(predicate) for predicate in exclude):
            return False
        if include and not any(holds(predicate) for predicate in include):
            return False
        return all(holds(predicate) for predicate in self._where)
