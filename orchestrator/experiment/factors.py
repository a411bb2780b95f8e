"""The sections that say what is swept: ``factors``, ``zip``, ``derive``, ``include`` and ``exclude``."""

from __future__ import annotations

import difflib
import keyword
import re
from collections.abc import Iterable, Mapping, Sequence
from graphlib import CycleError, TopologicalSorter

from orchestrator.documents.document import Node
from orchestrator.documents.draft import Draft
from orchestrator.documents.expressions import Expression, Value
from orchestrator.errors import Position
from orchestrator.experiment.benchmark import Program
from orchestrator.experiment.combinations import CellError, Combinations
from orchestrator.experiment.levels import computed, levels_of
from orchestrator.experiment.model import Axis, Derived, Factor, Kernel, Level, Sweep
from orchestrator.nearest import did_you_mean

KERNEL = "kernel"
HOST = "host"
"""The factor that tells hosts apart where each runs every cell (``hosts.fleet: replicate``)."""

MOST_CELLS = 10_000_000
_PLAIN_MODE = re.compile(r"[a-z][a-z0-9_+-]*")


class SweepReader:
    """Reads the sweep of a draft, and notes its faults."""

    def __init__(self, draft: Draft, program: Program, kernels: Sequence[Kernel]) -> None:
        self.draft = draft
        self.program = program
        self.kernels = kernels
        self.factors = self._factors()
        #: all names that an expression may use, also of factors whose levels are at fault
        self.names = frozenset(
            (*draft.node.mapping("factors"), *draft.node.mapping("derive"), *program.arguments, KERNEL)
        )

    def sweep(self) -> Sweep:
        """Return the sweep; faults are noted, and what they touch is left out."""
        sweep = Sweep(
            axes=self._axes(),
            derived=self._derived(),
            include=self._predicates("include"),
            exclude=self._predicates("exclude"),
        )
        self._check_use(sweep)
        return sweep

    def allowed(self) -> tuple[Expression, ...]:
        """Read ``allow_unsupported``: the name of a mode stands for the predicate ``mode == name``."""
        modes = [level.text for level in self.factors["mode"].levels] if "mode" in self.factors else []
        found = []
        for index, node in self.draft.items("allow_unsupported"):
            path = ("allow_unsupported", index)
            plain = _PLAIN_MODE.fullmatch(node.text) and node.text not in self.names
            if plain and "mode" in self.names:
                if node.text not in modes and _misspelt(node.text, modes):
                    hint = did_you_mean(node.text, modes)
                    self.draft.fault(node.position, f"'{node.text}' is not a mode of this file; {hint}")
                found.append(Expression(f"mode == '{node.text}'"))
            else:
                found += self.known_only(self.draft.expression(node, *path), *path)
        return tuple(found)

    def least_nodes(self) -> int:
        """Return how many NUMA nodes the levels and arguments that are node numbers ask for."""
        used = [
            level.value
            for name in self.program.nodes
            for level in (
                self.factors[name].levels if name in self.factors else (self.program.arguments.get(name),)
            )
            if level is not None
        ]
        return max((number + 1 for number in used if isinstance(number, int)), default=1)

    def check_cells(self, sweep: Sweep) -> None:
        """Note a sweep that is too large, leaves no cell, or has a cell that cannot be computed."""
        position = self.draft.node.key_position("factors")
        combinations = Combinations(sweep, constants(self.program.arguments, self.kernels))
        if len(combinations) > MOST_CELLS:
            message = f"the factors make {len(combinations)} combinations; the most is {MOST_CELLS}"
            self.draft.fault(position, message)
            return
        try:
            if all(combinations.at(position) is None for position in combinations.positions()):
                key = "include" if sweep.include and not sweep.exclude else "exclude"
                self.draft.fault(
                    self.draft.node.key_position(key), "no cell is left by 'include' and 'exclude'"
                )
        except CellError as error:
            self.draft.fault(self._position_of(error.expression) or position, str(error))

    def _factors(self) -> dict[str, Factor]:
        found = {}
        for name, node in self.draft.members("factors"):
            if keyword.iskeyword(name):
                self._key_fault(f"'{name}' cannot be the name of a factor", "factors", name)
            levels = levels_of(self.draft, name, node)
            if not levels:
                continue
            found[name] = Factor(name, levels)
            for item in node.items():
                self.program.check_value(self.draft, name, item)
            if name == KERNEL:
                self._check_kernels(node, levels)
        if len(self.kernels) > 1 and KERNEL not in self.draft.node.mapping("factors"):
            # All declared kernels, as the slowest axis, unless the file says otherwise.
            swept = Factor(KERNEL, tuple(Level(kernel.name, kernel.name) for kernel in self.kernels))
            return {KERNEL: swept, **found}
        return found

    def _check_kernels(self, node: Node, levels: Iterable[Level]) -> None:
        names = [kernel.name for kernel in self.kernels]
        declared = self.draft.node.mapping("kernels") or names
        for index, level in enumerate(levels):
            if level.text not in declared:
                message = f"kernel '{level.text}' is not declared under 'kernels'; {did_you_mean(level.text, declared)}"
                self.draft.fault(self.draft.node.nearest_position("factors", KERNEL, index), message)
        if not isinstance(node.content, list):
            self.draft.fault(node.position, "kernels are listed by name")

    def _axes(self) -> tuple[Axis, ...]:
        group_of: dict[str, int] = {}
        for index, node in self.draft.items("zip"):
            names = [str(item.content) for item in node.items()]
            for number, name in enumerate(names):
                position = self.draft.node.nearest_position("zip", index, number)
                if name not in self.names or name not in (*self.draft.node.mapping("factors"), KERNEL):
                    known = self.draft.node.mapping("factors")
                    self.draft.fault(position, f"'{name}' is not a factor; {did_you_mean(name, known)}")
                elif name in group_of:
                    self.draft.fault(position, f"'{name}' is zipped twice")
                elif name in self.factors:
                    group_of[name] = index
            self._check_lengths(index, [name for name in names if group_of.get(name) == index])
        axes: dict[str, list[Factor]] = {}
        for name, factor in self.factors.items():
            axes.setdefault(f"zip {group_of[name]}" if name in group_of else name, []).append(factor)
        for members in axes.values():
            self._check_duplicates(members)
        return tuple(Axis(tuple(members)) for members in axes.values())

    def _check_lengths(self, index: int, names: Sequence[str]) -> None:
        lengths = {name: len(self.factors[name].levels) for name in names}
        if len(set(lengths.values())) > 1:
            shown = ", ".join(f"{name} has {length}" for name, length in lengths.items())
            position = self.draft.node.nearest_position("zip", index)
            self.draft.fault(position, f"zipped factors need equally many levels; {shown}")

    def _check_duplicates(self, members: Sequence[Factor]) -> None:
        seen: dict[object, str] = {}
        for index, levels in enumerate(zip(*(factor.levels for factor in members), strict=False)):
            shown = ", ".join(level.text for level in levels)
            value = tuple((level.value, isinstance(level.value, bool)) for level in levels)
            first = seen.get(value, seen.get(shown))
            seen[value] = seen[shown] = shown
            if first is not None:
                same = "" if first == shown else f", first as '{first}'"
                names = ", ".join(factor.name for factor in members)
                position = self.draft.node.nearest_position("factors", members[0].name, index)
                self.draft.fault(position, f"level '{shown}' of {names} is listed twice{same}")

    def _derived(self) -> tuple[Derived, ...]:
        found: dict[str, Derived] = {}
        for name, node in self.draft.members("derive"):
            if name in self.draft.node.mapping("factors") or name == KERNEL or keyword.iskeyword(name):
                self._key_fault(f"'{name}' is a factor or a word of its own already", "derive", name)
                continue
            for expression in self.known_only(self.draft.expression(node, "derive", name), "derive", name):
                found[name] = Derived(name, expression)
        graph = {
            name: [used for used in found if used in derived.expression.names]
            for name, derived in found.items()
        }
        try:
            return tuple(found[name] for name in TopologicalSorter(graph).static_order())
        except CycleError as error:
            cycle = list(reversed(error.args[1]))
            self._key_fault(f"is derived from itself: {' needs '.join(cycle)}", "derive", cycle[0])
            return ()

    def _predicates(self, key: str) -> tuple[Expression, ...]:
        return tuple(
            expression
            for index, node in self.draft.items(key)
            for expression in self.known_only(self.draft.expression(node, key, index), key, index)
        )

    def known_only(self, expression: Expression | None, *path: str | int) -> list[Expression]:
        """Return an expression if all its names are known; notes a fault for each that is not."""
        errors = expression.unknown(self.names) if expression else []
        for error in errors if self.program.known else []:
            self.draft.blame(error, *path)
        return [expression] if expression and not errors else []

    def _check_use(self, sweep: Sweep) -> None:
        """A factor that nothing takes would be swept in vain; most likely its name is misspelt."""
        if not self.program.known:
            return
        expressions = [*(derived.expression for derived in sweep.derived), *sweep.include, *sweep.exclude]
        used = self.program.takes.union(*(expression.names for expression in expressions))
        for name in self.draft.node.mapping("factors"):
            if name not in used and name != KERNEL and "." not in name and self.draft.intact("factors", name):
                takes = self.program.takes
                message = (
                    f"the benchmark takes no '{name}', and no expression uses it; {did_you_mean(name, takes)}"
                )
                self._key_fault(message, "factors", name)

    def _position_of(self, expression: Expression) -> Position | None:
        for key in ("derive", "include", "exclude"):
            section = self.draft.node.get(key)
            nodes = [*self.draft.node.mapping(key).values(), *self.draft.node.items(key)] if section else []
            for node in nodes:
                if node.text == expression.text:
                    return node.position
        return None

    def _key_fault(self, message: str, *path: str) -> None:
        self.draft.fault(self.draft.node.key_position(*path), message)


def constants(arguments: Mapping[str, Level], kernels: Sequence[Kernel]) -> dict[str, Value]:
    """Return what expressions may use besides the factors: the benchmark's arguments and the only kernel."""
    only = {KERNEL: computed(kernels[0].name)} if len(kernels) == 1 else {}
    return {name: level.value for name, level in {**only, **arguments}.items()}


def _misspelt(name: str, known: Iterable[str]) -> bool:
    return bool(difflib.get_close_matches(name, known, n=1, cutoff=0.8))
