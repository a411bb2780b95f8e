"""The cells of a sweep by position, computed when asked for and never stored."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence

from orchestrator.documents.expressions import Expression, ExpressionError, Value
from orchestrator.experiment.levels import computed
from orchestrator.experiment.model import Level, Sweep


class CellError(ExpressionError):
    """An expression has no value for some cell."""

    def __init__(self, expression: Expression, levels: Mapping[str, Level], error: ExpressionError) -> None:
        self.expression = expression
        cell = ", ".join(f"{name}={level.text}" for name, level in levels.items())
        super().__init__(f"'{expression}' fails for the cell {cell or '(no factors)'}: {error}")


class Combinations:
    """The product of a sweep's axes with derived factors, less what predicates leave out.

    ``constants`` are values that expressions may use besides the factors (arguments of the benchmark, the only
    kernel); ``where`` are further predicates, all of which must hold.
    """

    def __init__(
        self, sweep: Sweep, constants: Mapping[str, Value], where: Sequence[Expression] = ()
    ) -> None:
        self._sweep = sweep
        self._constants = dict(constants)
        self._where = tuple(where)
        self._rows = [
            [tuple((factor.name, factor.levels[at]) for factor in axis.factors) for at in range(len(axis))]
            for axis in sweep.axes
        ]
        self.lengths = tuple(len(axis) for axis in sweep.axes)

    @property
    def filtered(self) -> bool:
        """Whether predicates may leave cells out."""
        return bool(self._sweep.include or self._sweep.exclude or self._where)

    @property
    def names(self) -> tuple[str, ...]:
        """All names that an expression may use."""
        factors = (factor.name for axis in self._sweep.axes for factor in axis.factors)
        derived = (derived.name for derived in self._sweep.derived)
        return tuple(dict.fromkeys((*factors, *derived, *self._constants)))

    def positions(self) -> Iterator[tuple[int, ...]]:
        """Yield every position, that is one level index for each axis; the last axis moves fastest."""
        return itertools.product(*(range(length) for length in self.lengths))

    def __len__(self) -> int:
        return math.prod(self.lengths)

    def at(self, positions: Sequence[int]) -> dict[str, Level] | None:
        """Return the levels of the cell at this position by factor, None if it is left out.

        Raises ``CellError``.
        """
        levels: dict[str, Level] = {}
        values = dict(self._constants)
        for rows, position in zip(self._rows, positions, strict=True):
            for name, level in rows[position]:
                levels[name] = level
                values[name] = level.value
        failure: CellError | None = None
        for derived in self._sweep.derived:
            try:
                value = derived.expression.evaluate(values)
            except ExpressionError as error:
                # An excluded cell may have no value; the predicates are asked first.
                failure = CellError(derived.expression, levels, error)
                break
            levels[derived.name] = computed(value)
            values[derived.name] = value
        stays = self._stays(levels, values, failure)
        if stays and failure:
            raise failure
        return levels if stays else None

    def _stays(
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
