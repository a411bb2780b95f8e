"""What is swept: factors, their levels, and which combinations stay."""

from __future__ import annotations

from dataclasses import dataclass

from orchestrator.documents.expressions import Expression, Value


@dataclass(frozen=True, slots=True)
class Level:
    """One value of a factor: ``text`` as it is shown and handed to a benchmark, ``value`` as expressions see it."""

    text: str
    value: Value


@dataclass(frozen=True, slots=True)
class Factor:
    """A swept parameter and its levels, in the order of the file."""

    name: str
    levels: tuple[Level, ...]


@dataclass(frozen=True, slots=True)
class Axis:
    """Factors that move together (``zip``), all with the same number of levels; a plain factor is an axis of one."""

    factors: tuple[Factor, ...]

    def __len__(self) -> int:
        return len(self.factors[0].levels)


@dataclass(frozen=True, slots=True)
class Derived:
    """A factor computed from others; the sweep holds them in an order in which each can be computed.

    Expressions may also use the benchmark's arguments and ``kernel``, swept or not.
    """

    name: str
    expression: Expression


@dataclass(frozen=True, slots=True)
class Sweep:
    """All cells of an experiment, unexpanded: the product of the axes, less what the predicates leave out.

    A cell stays if ``include`` is empty or one of its predicates holds, and no predicate of ``exclude`` holds.
    """

    axes: tuple[Axis, ...]
    derived: tuple[Derived, ...] = ()
    include: tuple[Expression, ...] = ()
    exclude: tuple[Expression, ...] = ()
