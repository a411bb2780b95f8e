"""The parts of a plan as plain data: cells, trials and blocks."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from orchestrator.experiment.model import Level, Setting


class Cell(Struct, frozen=True):
    """One combination of levels.

    :ivar id: 12 hex digits; a hash of benchmark, kernel, levels and settings. The same cell has the same id in any run.
    :ivar levels: by factor, including derived factors, in file order; includes ``kernel`` only if the file sweeps it.
    :ivar argv: the complete command; its first word may be relative to the role's directory on the host.
    :ivar settings: settings of the host for this cell (``sysctl.…`` and ``sysfs.…`` factors).
    """

    id: str
    kernel: str
    levels: Mapping[str, Level]
    argv: tuple[str, ...]
    settings: tuple[Setting, ...]


class Trial(Struct, frozen=True):
    """One execution of a cell. ``id``: 12 hex digits, a hash of the cell's id and the repetition (from 0)."""

    id: str
    cell: Cell
    repetition: int


class Shard(Struct, frozen=True):
    """Part of a block: combinations ``first`` to ``end`` (exclusive), counted in the order of the work queue."""

    first: int
    end: int


class Block(Struct, frozen=True):
    """The trials of one boot under one kernel.

    :ivar index: position in the run, from 0; ``boot`` counts from 0 too.
    :ivar host: the host, where each host runs every cell; otherwise empty.
    :ivar shard: the part of the block; None: the whole block.
    """

    index: int
    kernel: str
    boot: int
    host: str = ""
    shard: Shard | None = None

    @property
    def name(self) -> str:
        """A name for a directory; :meth:`~orchestrator.plan.plan.Plan.find_block` finds the block by it."""
        return f"{self.index}" if self.shard is None else f"{self.index}.{self.shard.first}-{self.shard.end}"
