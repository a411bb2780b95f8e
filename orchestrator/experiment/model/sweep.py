"""The sweep: factors, levels, and predicates that select combinations."""

from __future__ import annotations

from msgspec import Struct

from orchestrator.documents.expressions import Expression, Value


class Level(Struct, frozen=True):
    """One value of a factor: ``text`` for output and for the benchmark, ``value`` for expressions."""

    text: str
    value: Value


class Factor(Struct, frozen=True):
    """A parameter and its levels, in file order."""

    name: str
    levels: tuple[Level, ...]


class Axis(Struct, frozen=True):
    """Zipped factors, all with the same number of levels, or a single factor."""

    factors: tuple[Factor, ...]

    def __len__(self) -> int:
        return len(self.factors[0].levels)


class Derived(Struct, frozen=True):
    """A factor that is computed from others.

    The expression can also use arguments of the benchmark and ``kernel``. A sweep lists derived factors in evaluation
    order.
    """

    name: str
    expression: Expression


class Sweep(Struct, frozen=True):
    """The cells of an experiment, not expanded: the product of the axes, filtered by predicates.

    A cell is included if ``include`` is empty or one of its predicates is true, and no predicate of ``exclude`` is
    true.
    """

    axes: tuple[Axis, ...]
    derived: tuple[Derived, ...] = ()
    include: tuple[Expression, ...] = ()
    exclude: tuple[Expression, ...] = ()
