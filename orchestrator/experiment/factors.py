"""Read the sections of the sweep: ``factors``, ``zip``, ``derive``, ``include`` and ``exclude``."""

from __future__ import annotations

import difflib
import itertools
import keyword
import re
from collections.abc import Iterable, Mapping, Sequence
from graphlib import CycleError, TopologicalSorter

from orchestrator.documents.document import Node
from orchestrator.documents.draft import Draft
from orchestrator.documents.expressions import Expression, Value
from orchestrator.errors import Position
from orchestrator.experiment.benchmark import BenchmarkReader
from orchestrator.experiment.combinations import CellError, Combinations
from orchestrator.experiment.levels import computed_level, read_levels
from orchestrator.experiment.model import Axis, Derived, Factor, Kernel, Level, Sweep
from orchestrator.nearest import did_you_mean, nearest
from orchestrator.units import parse_quantity

KERNEL = "kernel"
HOST = "host"
"""The factor with the name of the host, where each host runs every cell (``hosts.fleet: replicate``)."""

MAX_COMBINATIONS = 10_000_000
MAX_CHECKED = 100_000
"""Combinations whose derived factors are compared with what the benchmark accepts."""

_MODE_NAME = re.compile(r"[a-z][a-z0-9_+-]*")


class SweepReader:
    """Reads the sweep and adds its faults."""

    def __init__(self, draft: Draft, benchmark: BenchmarkReader, kernels: Sequence[Kernel]) -> None:
        self.draft = draft
        self.benchmark = benchmark
        self.kernels = kernels
        self.factors = self._factors()
        #: all names that an expression can use, including factors with invalid levels
        self.names = frozenset(
            (*draft.node.mapping("factors"), *draft.node.mapping("derive"), *benchmark.arguments, KERNEL)
        )

    def sweep(self) -> Sweep:
        """Return the sweep without its invalid parts, and add their faults."""
        sweep = Sweep(
            axes=self._axes(),
            derived=self._derived(),
            include=self._predicates("include"),
            exclude=self._predicates("exclude"),
        )
        self._check_use(sweep)
        return sweep

    def allow_unsupported(self) -> tuple[Expression, ...]:
        """Read ``allow_unsupported``. The name of a mode stands for the predicate ``mode == name``."""
        modes = [level.text for level in self.factors["mode"].levels] if "mode" in self.factors else []
        predicates = []
        for index, node in self.draft.items("allow_unsupported"):
            is_name = _MODE_NAME.fullmatch(node.text) and node.text not in self.names
            if is_name and "mode" in self.names:
                if node.text not in modes and _is_misspelled(node.text, modes):
                    hint = did_you_mean(node.text, modes)
                    self.draft.add_fault(node.position, f"unknown mode '{node.text}'; {hint}")
                predicates.append(Expression(f"mode == '{node.text}'"))
            else:
                predicate = self.read_expression(node, "allow_unsupported", index)
                predicates += [predicate] if predicate else []
        return tuple(predicates)

    def nodes(self) -> tuple[int, ...]:
        """Return all numbers of NUMA nodes among the levels and arguments, ascending."""
        numbers = {
            level.value
            for name in self.benchmark.nodes
            for level in (
                self.factors[name].levels if name in self.factors else (self.benchmark.arguments.get(name),)
            )
            if level is not None
        }
        return tuple(sorted(number for number in numbers if isinstance(number, int)))

    def check_cells(self, sweep: Sweep) -> None:
        """Add a fault if the sweep is too large, has no cell, or has a cell that cannot be evaluated."""
        position = self.draft.node.key_position("factors")
        combinations = Combinations(sweep, constants(self.benchmark.arguments, self.kernels))
        if combinations.count > MAX_COMBINATIONS:
            shown = combinations.count if combinations.count < 2**63 else "2^63 or more"
            message = f"too many combinations: {shown} (limit {MAX_COMBINATIONS})"
            self.draft.add_fault(position, message)
            return
        try:
            self._check_derived(sweep.derived, combinations)
            if all(combinations.at(indices) is None for indices in combinations.indices()):
                keys = [key for key in ("include", "exclude") if getattr(sweep, key)]
                named = " and ".join(f"'{key}'" for key in keys)
                self.draft.add_fault(
                    self.draft.node.key_position(keys[-1]),
                    f"no cells left after {named}; change the conditions",
                )
        except CellError as error:
            self.draft.add_fault(self._position_of(error.expression) or position, str(error))

    def _check_derived(self, derived: Iterable[Derived], combinations: Combinations) -> None:
        """Add a fault for each derived factor with a value that the benchmark does not accept, in the first cells."""
        limited = {*self.benchmark.choices, *self.benchmark.ranges}
        left = {factor.name for factor in derived} & limited
        for indices in itertools.islice(combinations.indices(), MAX_CHECKED if left else 0):
            levels = combinations.at(indices) or {}
            for name in sorted(left & levels.keys()):
                refusal = self.benchmark.refusal(name, levels[name])
                if refusal:
                    left.remove(name)
                    self.draft.add_fault(self.draft.node.nearest_position("derive", name), refusal)

    def _factors(self) -> dict[str, Factor]:
        factors = {}
        for name, node in self.draft.members("factors"):
            if keyword.iskeyword(name):
                self._key_fault(f"'{name}' is a reserved word; choose another name", "factors", name)
            levels = read_levels(self.draft, name, node)
            if not levels:
                continue
            factors[name] = Factor(name, levels)
            self._check_levels(name, node, levels)
            if name == KERNEL:
                self._check_kernels(node, levels)
        if len(self.kernels) > 1 and KERNEL not in self.draft.node.mapping("factors"):
            # By default all declared kernels are swept, as the slowest axis.
            swept = Factor(KERNEL, tuple(Level(kernel.name, kernel.name) for kernel in self.kernels))
            return {KERNEL: swept, **factors}
        return factors

    def _check_levels(self, name: str, node: Node, levels: Sequence[Level]) -> None:
        """Add a fault for each level of a list that the benchmark does not accept, of a series for the first one."""
        refusals = [self.benchmark.refusal(name, level) for level in levels]
        if isinstance(node.content, list):
            positions = [item.position for item in node.items()]
        else:
            refusals, positions = list(filter(None, refusals))[:1], [node.position]
        for refusal, position in zip(refusals, positions, strict=False):
            if refusal:
                self.draft.add_fault(position, refusal)

    def _check_kernels(self, node: Node, levels: Iterable[Level]) -> None:
        names = [kernel.name for kernel in self.kernels]
        declared = self.draft.node.mapping("kernels") or names
        for index, level in enumerate(levels):
            if level.text not in declared:
                message = (
                    f"kernel '{level.text}' is not defined in 'kernels'; {did_you_mean(level.text, declared)}"
                )
                self.draft.add_fault(self.draft.node.nearest_position("factors", KERNEL, index), message)
        if not isinstance(node.content, list):
            self.draft.add_fault(node.position, "expected a list of kernel names")

    def _axes(self) -> tuple[Axis, ...]:
        group_of: dict[str, int] = {}
        for index, node in self.draft.items("zip"):
            names = [str(item.content) for item in node.items()]
            for number, name in enumerate(names):
                position = self.draft.node.nearest_position("zip", index, number)
                if name not in self.names or name not in (*self.draft.node.mapping("factors"), KERNEL):
                    known = self.draft.node.mapping("factors")
                    if self._is_zipped_by_its_own_name(name, known) or not self.benchmark.knows_factors:
                        continue
                    if self.draft.is_first(name):
                        message = f"unknown factor '{name}'; {did_you_mean(name, known)}"
                        self.draft.add_fault(position, message)
                elif name in group_of:
                    self.draft.add_fault(position, f"'{name}' is already zipped")
                elif name in self.factors:
                    group_of[name] = index
            self._check_lengths(index, [name for name in names if group_of.get(name) == index])
        axes: dict[str, list[Factor]] = {}
        for name, factor in self.factors.items():
            axes.setdefault(f"zip {group_of[name]}" if name in group_of else name, []).append(factor)
        for members in axes.values():
            self._check_duplicates(members)
        return tuple(Axis(tuple(members)) for members in axes.values())

    def _is_zipped_by_its_own_name(self, name: str, factors: Iterable[str]) -> bool:
        """Whether ``zip`` has the name of a parameter whose factor is misspelt, which is a fault of its own."""
        meant = nearest(name, factors)
        parameters = self.benchmark.parameters if self.benchmark.knows_parameters else ()
        return name in parameters and bool(meant) and meant not in parameters

    def _check_lengths(self, index: int, names: Sequence[str]) -> None:
        lengths = {name: len(self.factors[name].levels) for name in names}
        if len(set(lengths.values())) > 1:
            shown = ", ".join(f"{name} has {length}" for name, length in lengths.items())
            position = self.draft.node.nearest_position("zip", index)
            self.draft.add_fault(position, f"zipped factors must have the same number of levels; {shown}")

    def _check_duplicates(self, members: Sequence[Factor]) -> None:
        seen: dict[object, str] = {}
        for index, levels in enumerate(zip(*(factor.levels for factor in members), strict=False)):
            shown = ", ".join(level.text for level in levels)
            value = tuple((level.value, isinstance(level.value, bool)) for level in levels)
            first = seen.get(value, seen.get(shown))
            seen[value] = seen[shown] = shown
            if first is not None:
                spelling = "" if first == shown else f" (first listed as '{first}')"
                if spelling and len(members) == 1 and not any(map(parse_quantity, (first, shown))):
                    spelling += "; quote both to pass both to the benchmark"
                names = ", ".join(factor.name for factor in members)
                position = self.draft.node.nearest_position("factors", members[0].name, index)
                self.draft.add_fault(position, f"duplicate level '{shown}' of {names}{spelling}")

    def _derived(self) -> tuple[Derived, ...]:
        derived_factors: dict[str, Derived] = {}
        for name, node in self.draft.members("derive"):
            if name == KERNEL or keyword.iskeyword(name):
                self._key_fault(f"'{name}' is a reserved word; choose another name", "derive", name)
                continue
            if name in self.draft.node.mapping("factors"):
                self._key_fault(f"'{name}' is already a factor; choose another name", "derive", name)
                continue
            expression = self.read_expression(node, "derive", name)
            if expression:
                derived_factors[name] = Derived(name, expression)
        graph = {
            name: [used for used in derived_factors if used in derived.expression.names]
            for name, derived in derived_factors.items()
        }
        try:
            return tuple(derived_factors[name] for name in TopologicalSorter(graph).static_order())
        except CycleError as error:
            cycle = list(reversed(error.args[1]))
            self._key_fault(f"circular dependency: {' -> '.join(cycle)}", "derive", cycle[0])
            return ()

    def _predicates(self, key: str) -> tuple[Expression, ...]:
        predicates = (self.read_expression(node, key, index) for index, node in self.draft.items(key))
        return tuple(predicate for predicate in predicates if predicate)

    def read_expression(self, node: Node, *path: str | int) -> Expression | None:
        """Parse an expression and check its names. Adds faults and returns None if it is invalid."""
        expression = self.draft.read_expression(node, *path)
        errors = expression.unknown(self.names, self._texts()) if expression else {}
        knows_names = self.benchmark.knows_arguments and self.benchmark.knows_factors
        for name, error in errors.items() if knows_names else ():
            if self.draft.is_first(name):
                self.draft.add_error(error, *path)
        return None if errors else expression

    def _texts(self) -> set[str]:
        kernels = {kernel.name for kernel in self.kernels}
        return kernels.union(level.text for factor in self.factors.values() for level in factor.levels)

    def _check_use(self, sweep: Sweep) -> None:
        """Add a fault for each factor that has no effect. Most likely its name is misspelled."""
        written = len(self.draft.node.mapping("derive"))
        written += sum(len(self.draft.node.items(key)) for key in ("include", "exclude"))
        read = len(sweep.derived) + len(sweep.include) + len(sweep.exclude)
        if not self.benchmark.knows_parameters or read < written:
            return  # a parameter or an expression that cannot be read may use the factor
        expressions = [*(derived.expression for derived in sweep.derived), *sweep.include, *sweep.exclude]
        used = self.benchmark.parameters.union(*(expression.names for expression in expressions))
        used |= self.benchmark.meant(self.names)  # one mistake, one fault
        for name in self.draft.node.mapping("factors"):
            if (
                name not in used
                and name != KERNEL
                and "." not in name
                and self.draft.is_valid("factors", name)
            ):
                parameters = self.benchmark.parameters
                hint = did_you_mean(name, parameters) if parameters else f"the command has no '{{{name}}}'"
                message = (
                    f"unused factor '{name}': neither a benchmark argument nor used in an expression; {hint}"
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
        self.draft.add_fault(self.draft.node.key_position(*path), message)


def constants(arguments: Mapping[str, Level], kernels: Sequence[Kernel]) -> dict[str, Value]:
    """Return the constants of expressions: the benchmark's arguments, and the kernel if there is only one."""
    kernel = {KERNEL: computed_level(kernels[0].name)} if len(kernels) == 1 else {}
    return {name: level.value for name, level in {**kernel, **arguments}.items()}


def _is_misspelled(name: str, known: Iterable[str]) -> bool:
    return bool(difflib.get_close_matches(name, known, n=1, cutoff=0.8))
