"""The plan of a run: cells, blocks and their order.

The plan is not stored. It is computed from the experiment and the options ``--where`` and ``--first``.
"""

from __future__ import annotations

import bisect
import itertools
import math
import re
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property, lru_cache

from msgspec.structs import replace

from orchestrator.documents.expressions import Expression
from orchestrator.documents.template import Template
from orchestrator.errors import BadInput
from orchestrator.experiment.combinations import Combinations
from orchestrator.experiment.factors import HOST, KERNEL, constants
from orchestrator.experiment.model import Experiment, Level
from orchestrator.nearest import did_you_mean
from orchestrator.plan.cells import CellMaker, on_host, trial
from orchestrator.plan.estimate import Estimate, estimate
from orchestrator.plan.model import Block, Cell, Shard, Trial
from orchestrator.plan.order import Permutation

Indices = tuple[int, ...]
"""The level of each axis, as an index."""

CELLS_KEPT = 1000
"""Cells that are kept while the trials of a block are yielded: a few MB."""


class Plan:
    """The cells, blocks and trials of an experiment.

    :param where: predicates (``--where``); a cell is included if all are true.
    :param first: keep the first so many cells (``--first``), in file order, after ``where``.
    :param hosts: names of the hosts; used only if each host runs every cell (``hosts.fleet: replicate``).
    :ivar selection: ``where`` and ``first`` as text; equal for two plans with the same selection. It says
        "limit", the former name of ``--first``, so that earlier runs can be resumed.

    Raises ``BadInput`` if ``where`` contains unknown names, no cell is left, or an expression cannot be evaluated for
    some cell. Memory grows only as :class:`~orchestrator.plan.order.Permutation` does, not with the number of trials.
    """

    def __init__(
        self,
        experiment: Experiment,
        where: Sequence[str] = (),
        first: int | None = None,
        hosts: Sequence[str] = (),
    ) -> None:
        self.experiment = experiment
        fixed = constants(experiment.benchmark.arguments, experiment.kernels)
        self.where = tuple(_predicate(text) for text in where)
        self.first = min(first, sys.maxsize) if first else first
        self._combinations = Combinations(experiment.sweep, fixed, self.where)
        self.hosts = tuple(hosts) if experiment.hosts.fleet == "replicate" else ()
        self.selection = (*where, f"limit {first}" if first else "")
        self._maker = CellMaker(experiment.benchmark, experiment.kernels[0].name)
        self._kernels = self._kernel_indices()
        self._check_options()
        self._cells_by_kernel = self._count()
        if not self.cell_count:
            predicates = " ".join(f'--where "{predicate}"' for predicate in where)
            hint = self._no_level() or "'orchestrate plan' without --where lists all cells"
            raise BadInput(f"no cell matches {predicates}; {hint}")

    # --- cells ---------------------------------------------------------------------------------------------

    def cells(self) -> Iterator[Cell]:
        """Yield every cell in file order, host by host; the last factor varies fastest."""
        for host in self.hosts or ("",):
            for levels in itertools.islice(self._all_levels(), self.first):
                yield self._cell(levels, host)

    @property
    def cell_count(self) -> int:
        """The number of cells."""
        return sum(self._cells_by_kernel.values()) * max(1, len(self.hosts))

    @cached_property
    def programs(self) -> tuple[str, ...]:
        """The first words of the commands of all cells."""
        has_placeholder = Template(self.experiment.benchmark.command[0]).names
        cells = self.cells() if has_placeholder else itertools.islice(self.cells(), 1)
        return tuple(sorted({cell.argv[0] for cell in cells}))

    # --- blocks and trials ---------------------------------------------------------------------------------

    def blocks(self) -> Iterator[Block]:
        """Yield the blocks in execution order.

        Each boot visits every kernel. The order of kernels rotates from boot to boot, so none is always first. Where
        each host runs every cell, each host has its own blocks.
        """
        kernels = [kernel for kernel in self._kernels if self._cells_by_kernel[kernel]]
        index = itertools.count()
        for boot in range(self.experiment.repetitions.boots):
            shift = boot % len(kernels) if kernels else 0
            for kernel in kernels[shift:] + kernels[:shift]:
                for host in self.hosts or ("",):
                    yield Block(next(index), kernel, boot, host)

    def combination_count(self, block: Block) -> int:
        """Return the number of combinations of a block, including excluded ones; shards are ranges of these."""
        return self._end(block.kernel)

    def find_block(self, name: str) -> Block | None:
        """Return the block or shard with this name; None if there is none."""
        match = re.fullmatch(r"(\d+)(?:\.(\d+)-(\d+))?", name)
        if match is None:
            return None
        index, first, end = match.groups()
        shard = None if first is None else Shard(int(first), int(end))
        block = next((block for block in self.blocks() if block.index == int(index)), None)
        return None if block is None else replace(block, shard=shard)

    def trials(self, block: Block) -> Iterator[Trial]:
        """Yield the trials of a block in execution order.

        The random order depends on the seed, the kernel and the boot only, so it is reproducible. ``listed`` is file
        order, all cells once before any is repeated. A shard contains all repetitions of its cells.
        """
        repetitions = self._repetitions(block.boot)
        numbers = self._combination_numbers(block)
        choices = self._choices(block.kernel)
        count = len(numbers) * len(repetitions)
        order: Iterator[int] | Sequence[int] = range(count)
        if self.experiment.order.within_block == "random":
            order = iter(Permutation(count, self._order_key(block)))

        @lru_cache(CELLS_KEPT)
        def cell(number: int) -> Cell | None:
            levels = self._combinations.at(_indices(choices, number))
            return None if levels is None else self._cell(levels, block.host)

        for position in order:
            repetition, index = divmod(position, len(numbers))
            made = cell(numbers[index])
            if made is not None:
                yield trial(made, repetitions[repetition])

    def trials_in(self, block: Block) -> int:
        """Return the number of trials of a whole block."""
        return self._cells_by_kernel[block.kernel] * len(self._repetitions(block.boot))

    def may_end_early(self, block: Block | None = None) -> bool:
        """Return whether the stop rule may skip trials of a block (None: of the run)."""
        repetitions = self.experiment.repetitions
        if repetitions.until is None:
            return False
        before = (
            sum(len(self._repetitions(boot)) for boot in range(block.boot)) if block else repetitions.count
        )
        return before >= repetitions.until.least

    @property
    def trial_count(self) -> int:
        """The number of trials of the run."""
        return self.cell_count * self.experiment.repetitions.count

    @property
    def block_count(self) -> int:
        """The number of blocks (boots) of the run."""
        return sum(1 for _ in self.blocks())

    def estimate(
        self,
        trial_s: float | None = None,
        boot_s: float | None = None,
        hosts: int = 1,
        at_once: int = 1,
        environment: str = "",
    ) -> Estimate:
        """Estimate the time of the run from seconds per trial (median of an earlier run) and per boot, if known.

        :param hosts: number of hosts that share the trials.
        :param at_once: machines that run blocks at the same time; only one does with a stop rule.
        :param environment: that of the hosts, if it is known.
        """
        return estimate(
            trials=self.trial_count,
            boots=self.block_count,
            trial_s=trial_s,
            boot_s=boot_s,
            limits=self.experiment.limits,
            hosts=hosts,
            at_once=at_once if self.experiment.repetitions.until is None else 1,
            environment=environment,
        )

    # --- helpers -------------------------------------------------------------------------------------------

    def _cell(self, levels: Mapping[str, Level], host: str) -> Cell:
        cell = self._maker.cell(levels)
        return on_host(cell, host) if host else cell

    def _combination_numbers(self, block: Block) -> Sequence[int]:
        """Return the numbers, in file order, of the combinations of a block or shard."""
        end = self._end(block.kernel)
        if block.shard is None:
            return range(end)
        wanted = range(block.shard.first, min(block.shard.end, end))
        if self.experiment.order.within_block == "listed":
            return wanted
        # "deal" is part of the key for ever: another key would give the shards of old runs other cells.
        queue = Permutation(end, f"{self.experiment.order.seed}\0{block.kernel}\0{block.boot}\0deal")
        return [queue[position] for position in wanted]

    def _order_key(self, block: Block) -> str:
        """Return the key of the random order of a block's trials."""
        key = f"{self.experiment.order.seed}\0{block.kernel}\0{block.boot}"
        part = block.host if block.shard is None else f"{block.shard.first}"
        return f"{key}\0{part}" if part else key

    def _repetitions(self, boot: int) -> range:
        """Return the repetitions of a boot: repetition r is in boot r modulo the number of boots."""
        repetitions = self.experiment.repetitions
        return range(boot, repetitions.count, repetitions.boots)

    def _kernel_indices(self) -> dict[str, Indices]:
        """Return the indices of each kernel on the axis that sweeps kernels; empty if no axis does."""
        self._kernel_axis: int | None = None
        indices: dict[str, list[int]] = {}
        for number, axis in enumerate(self.experiment.sweep.axes):
            for factor in axis.factors:
                if factor.name == KERNEL:
                    self._kernel_axis = number
                    for index, level in enumerate(factor.levels):
                        indices.setdefault(level.text, []).append(index)
        if self._kernel_axis is None:
            return {self.experiment.kernels[0].name: ()}
        return {kernel: tuple(own) for kernel, own in indices.items()}

    def _choices(self, kernel: str) -> list[Sequence[int]]:
        """Return the indices on each axis that belong to a kernel."""
        choices: list[Sequence[int]] = [range(length) for length in self._combinations.lengths]
        if self._kernel_axis is not None:
            choices[self._kernel_axis] = self._kernels[kernel]
        return choices

    def _end(self, kernel: str) -> int:
        """Return the number of combinations of a kernel up to the last one that ``--first`` keeps."""
        choices = self._choices(kernel)
        size = math.prod(map(len, choices))
        if self._last is None:
            return size
        return bisect.bisect_right(range(size), self._last, key=lambda number: _indices(choices, number))

    @cached_property
    def _last(self) -> Indices | None:
        """The last combination that ``--first`` keeps; None: all are kept."""
        if self.first is None:
            return None
        included = (
            indices for indices in self._combinations.indices() if self._combinations.at(indices) is not None
        )
        return next(itertools.islice(included, self.first - 1, None), None)

    def _count(self) -> Counter[str]:
        """Count the cells of each kernel."""
        if not self._combinations.has_predicates and not self.experiment.sweep.derived:
            return Counter({kernel: self._end(kernel) for kernel in self._kernels})
        # Evaluate every cell once, to find invalid expressions before any host is changed.
        cells = itertools.islice(self._all_levels(), self.first)
        return Counter(self._maker.kernel(levels) for levels in cells)

    def _check_options(self) -> None:
        if self.hosts and HOST in self._combinations.names:
            raise BadInput(f"hosts.fleet: replicate: the factor name {HOST!r} is reserved; rename the factor")
        texts = {text for levels in self._level_texts().values() for text in levels}
        faults = [
            f"--where {predicate}: {error}"
            for predicate in self.where
            for error in predicate.unknown({*self._combinations.names, KERNEL}, texts).values()
        ]
        if self.first is not None and self.first < 1:
            faults.append(f"--first {self.first}: expected 1 or more")
        if faults:
            raise BadInput(*faults)

    def _level_texts(self) -> dict[str, list[str]]:
        """Return the levels of each factor as text; the kernels are those of a factor."""
        kernels = [kernel.name for kernel in self.experiment.kernels]
        factors = (factor for axis in self.experiment.sweep.axes for factor in axis.factors)
        return {KERNEL: kernels} | {
            factor.name: [level.text for level in factor.levels] for factor in factors
        }

    def _no_level(self) -> str:
        """Return which text of ``--where`` no level has; empty if each is a level."""
        known = self._level_texts()
        for name, text in (pair for predicate in self.where for pair in predicate.compared_texts()):
            if name in known and text not in known[name]:
                return f"'{text}' is not a level of '{name}'; {did_you_mean(text, known[name])}"
        return ""

    def _all_levels(self) -> Iterator[dict[str, Level]]:
        for indices in self._combinations.indices():
            levels = self._combinations.at(indices)
            if levels is not None:
                yield levels


def _predicate(text: str) -> Expression:
    try:
        return Expression(text)
    except BadInput as error:
        raise BadInput(f"--where {text}: {error}") from None


def _indices(choices: Sequence[Sequence[int]], number: int) -> Indices:
    """Return the index on each axis of the combination with this number, of those that ``choices`` allow."""
    indices = []
    for choice in reversed(choices):
        number, position = divmod(number, len(choice))
        indices.append(choice[position])
    indices.reverse()
    return tuple(indices)
