"""The plan of a run: which cells, in which blocks, in which order. Nothing of it is stored; all of it can be
computed again at any time from the experiment and the narrowing options."""

from __future__ import annotations

import bisect
import itertools
import math
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property

from orchestrator.documents.expressions import Expression
from orchestrator.documents.template import Template
from orchestrator.errors import BadInput
from orchestrator.experiment.combinations import Combinations
from orchestrator.experiment.factors import HOST, KERNEL, constants
from orchestrator.experiment.model import Experiment, Level
from orchestrator.plan.cells import CellMaker, on_host, trial
from orchestrator.plan.estimate import Estimate, estimate
from orchestrator.plan.model import Block, Cell, Shard, Trial
from orchestrator.plan.order import Permutation

Positions = tuple[int, ...]


class Plan:
    """What a run of ``experiment`` consists of.

    :param where: predicates (``--where``); a cell stays if all of them hold.
    :ivar where: those predicates; ``limit``: that number.
    :ivar narrowing: both, as text: equal for two plans that are narrowed alike.
    :param limit: keep the first so many cells (``--limit``), in the order of the file, after ``where``.
    :ivar hosts: names of the hosts that each run every cell (``hosts.fleet: replicate``).

    Raises ``BadInput`` where ``where`` uses unknown names, where no cell is left and where an expression has no value
    for some cell. Memory does not grow with the number of trials, but
    for what :class:`~orchestrator.plan.order.Permutation` needs.
    """

    def __init__(
        self,
        experiment: Experiment,
        where: Sequence[Expression] = (),
        limit: int | None = None,
        hosts: Sequence[str] = (),
    ) -> None:
        self.experiment = experiment
        fixed = constants(experiment.benchmark.arguments, experiment.kernels)
        self._combinations = Combinations(experiment.sweep, fixed, where)
        self.where, self.limit = tuple(where), limit
        self.hosts = tuple(hosts)
        self.selection = (*(predicate.text for predicate in where), f"limit {limit}" if limit else "")
        self._maker = CellMaker(experiment.benchmark, experiment.kernels[0].name)
        self._kernels = self._kernel_positions()
        self._check_options(where)
        self._cells_by_kernel = self._count()
        if not self.cell_count:
            raise BadInput("no cell is left by --where; see all with 'orchestrate plan'")

    # --- cells ---------------------------------------------------------------------------------------------

    def cells(self) -> Iterator[Cell]:
        """Yield every cell in the order of the file, the last factor moving fastest; of each host its own."""
        for host in self.hosts or ("",):
            for levels in itertools.islice(self._all_levels(), self.limit):
                yield self._cell(levels, host)

    @property
    def cell_count(self) -> int:
        """Number of cells."""
        return sum(self._cells_by_kernel.values()) * max(1, len(self.hosts))

    @cached_property
    def programs(self) -> tuple[str, ...]:
        """First words of the commands of all cells."""
        varies = Template(self.experiment.benchmark.command[0]).names
        cells = self.cells() if varies else itertools.islice(self.cells(), 1)
        return tuple(sorted({cell.argv[0] for cell in cells}))

    # --- blocks and trials ---------------------------------------------------------------------------------

    def blocks(self) -> Iterator[Block]:
        """Yield the blocks in the order they run.

        Each boot visits every kernel; from boot to boot the kernels rotate, so that none is always first. Where each
        host runs every cell, each has its own blocks.
        """
        kernels = [kernel for kernel in self._kernels if self._cells_by_kernel[kernel]]
        index = itertools.count()
        for boot in range(self.experiment.repetitions.boots):
            shift = boot % len(kernels) if kernels else 0
            for kernel in kernels[shift:] + kernels[:shift]:
                for host in self.hosts or ("",):
                    yield Block(next(index), kernel, boot, host)

    def combination_count(self, block: Block) -> int:
        """How many places the cells of a block take in the order in which they are dealt out; some may be empty."""
        return self._end(block.kernel)

    def find_block(self, name: str) -> Block | None:
        """The block, or shard of one, of this name; None if there is none."""
        match = re.fullmatch(r"(\d+)(?:\.(\d+)-(\d+))?", name)
        if match is None:
            return None
        index, first, end = match.groups()
        shard = None if first is None else Shard(int(first), int(end))
        block = next((block for block in self.blocks() if block.index == int(index)), None)
        return None if block is None else replace(block, shard=shard)

    def trials(self, block: Block) -> Iterator[Trial]:
        """Yield the trials of a block in the order they run.

        The random order is that of the seed, the kernel and the boot: the same again whenever it is asked for.
        ``listed`` is the order of the file, all cells once before any is repeated. A shard has all repetitions of its
        cells.
        """
        repetitions = self._repetitions(block.boot)
        places = self._dealt(block)
        count = len(places) * len(repetitions)
        order: Iterator[int] | Sequence[int] = range(count)
        if self.experiment.order.within_block == "random":
            order = iter(Permutation(count, self._order_key(block)))
        for place in order:
            round_, at = divmod(place, len(places))
            levels = self._combinations.at(self._positions(block.kernel, places[at]))
            if levels is not None:
                yield trial(self._cell(levels, block.host), repetitions[round_])

    def trials_in(self, block: Block) -> int:
        """Number of trials of a whole block."""
        return self._cells_by_kernel[block.kernel] * len(self._repetitions(block.boot))

    def may_end_early(self, block: Block | None = None) -> bool:
        """Whether some trials of a block (None: of the run) may turn out not to be needed."""
        repetitions = self.experiment.repetitions
        if repetitions.until is None:
            return False
        before = (
            sum(len(self._repetitions(boot)) for boot in range(block.boot)) if block else repetitions.count
        )
        return before >= repetitions.until.least

    @property
    def trial_count(self) -> int:
        """Number of trials of the whole run."""
        return self.cell_count * self.experiment.repetitions.count

    @property
    def block_count(self) -> int:
        """Number of blocks, that is of boots, of the whole run."""
        return sum(1 for _ in self.blocks())

    def estimate(self, trial_s: float | None = None, boot_s: float | None = None) -> Estimate:
        """Estimate the time of the run from seconds per trial (an earlier run's median) and per boot, if known."""
        return estimate(
            trials=self.trial_count,
            boots=self.block_count,
            trial_s=trial_s,
            boot_s=boot_s,
            limits=self.experiment.limits,
        )

    # --- inner parts ---------------------------------------------------------------------------------------

    def _cell(self, levels: Mapping[str, Level], host: str) -> Cell:
        cell = self._maker.cell(levels)
        return on_host(cell, host) if host else cell

    def _dealt(self, block: Block) -> Sequence[int]:
        """The places, in the order of the file, of the cells of a block or shard."""
        end = self._end(block.kernel)
        if block.shard is None:
            return range(end)
        wanted = range(block.shard.first, min(block.shard.end, end))
        if self.experiment.order.within_block == "listed":
            return wanted
        deal = Permutation(end, f"{self.experiment.order.seed}\0{block.kernel}\0{block.boot}\0deal")
        return [deal[place] for place in wanted]

    def _order_key(self, block: Block) -> str:
        """What the random order of a block's trials depends on, beside their number."""
        key = f"{self.experiment.order.seed}\0{block.kernel}\0{block.boot}"
        own = block.host if block.shard is None else f"{block.shard.first}"
        return f"{key}\0{own}" if own else key

    def _repetitions(self, boot: int) -> range:
        """The repetitions of a boot: the r-th belongs to boot r modulo the number of boots."""
        repetitions = self.experiment.repetitions
        return range(boot, repetitions.count, repetitions.boots)

    def _kernel_positions(self) -> dict[str, Positions]:
        """For each kernel its positions on the axis that sweeps kernels; empty where no axis does."""
        self._kernel_axis: int | None = None
        found: dict[str, list[int]] = {}
        for at, axis in enumerate(self.experiment.sweep.axes):
            for factor in axis.factors:
                if factor.name == KERNEL:
                    self._kernel_axis = at
                    for position, level in enumerate(factor.levels):
                        found.setdefault(level.text, []).append(position)
        if self._kernel_axis is None:
            return {self.experiment.kernels[0].name: ()}
        return {kernel: tuple(positions) for kernel, positions in found.items()}

    def _choices(self, kernel: str) -> list[Sequence[int]]:
        """The positions of each axis that belong to a kernel."""
        choices: list[Sequence[int]] = [range(length) for length in self._combinations.lengths]
        if self._kernel_axis is not None:
            choices[self._kernel_axis] = self._kernels[kernel]
        return choices

    def _positions(self, kernel: str, place: int) -> Positions:
        """The position on each axis of the ``place``-th combination of a kernel."""
        positions = []
        for choices in reversed(self._choices(kernel)):
            place, at = divmod(place, len(choices))
            positions.append(choices[at])
        return tuple(reversed(positions))

    def _end(self, kernel: str) -> int:
        """How many combinations of a kernel lie at or before the last one that ``--limit`` keeps."""
        size = math.prod(len(choices) for choices in self._choices(kernel))
        if self._last is None:
            return size
        return bisect.bisect_right(range(size), self._last, key=lambda place: self._positions(kernel, place))

    @cached_property
    def _last(self) -> Positions | None:
        """The last combination that ``--limit`` keeps; None: all are kept."""
        if self.limit is None:
            return None
        kept = (
            position
            for position in self._combinations.positions()
            if self._combinations.at(position) is not None
        )
        return next(itertools.islice(kept, self.limit - 1, None), None)

    def _count(self) -> Counter[str]:
        """Count the cells of each kernel."""
        if not self._combinations.filtered and not self.experiment.sweep.derived:
            return Counter({kernel: self._end(kernel) for kernel in self._kernels})
        # Every cell is computed once here, so that a faulty expression is found before a host is touched.
        kept = itertools.islice(self._all_levels(), self.limit)
        return Counter(self._maker.kernel(levels) for levels in kept)

    def _check_options(self, where: Sequence[Expression]) -> None:
        if self.hosts and HOST in self._combinations.names:
            raise BadInput(
                f"hosts.fleet: replicate: {HOST!r} is the factor that tells hosts apart; rename yours"
            )
        faults = [
            f"--where {predicate}: {error}"
            for predicate in where
            for error in predicate.unknown({*self._combinations.names, KERNEL})
        ]
        if self.limit is not None and self.limit < 1:
            faults.append(f"--limit {self.limit}: expected 1 or more")
        if faults:
            raise BadInput(*faults)

    def _all_levels(self) -> Iterator[dict[str, Level]]:
        for position in self._combinations.positions():
            levels = self._combinations.at(position)
            if levels is not None:
                yield levels
