"""What a plan consists of: cells, trials and blocks. All of it is plain data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from orchestrator.experiment.model import Level, Setting


@dataclass(frozen=True, slots=True)
class Cell:
    """One combination of levels.

    :ivar id: 12 hex digits; a hash of benchmark, kernel, levels and settings, so the same cell in any run.
    :ivar levels: by factor name, derived factors included, in the order of the file; ``kernel`` is one of them
        only where the file sweeps it.
    :ivar argv: the benchmark's command, complete; its first word may be relative to the role's folder on the host.
    :ivar settings: what the cell itself asks of the host (``sysctl.…`` and ``sysfs.…`` factors).
    """

    id: str
    kernel: str
    levels: Mapping[str, Level]
    argv: tuple[str, ...]
    settings: tuple[Setting, ...]


@dataclass(frozen=True, slots=True)
class Trial:
    """One execution of a cell. ``id``: 12 hex digits, a hash of the cell's id and the repetition (from 0)."""

    id: str
    cell: Cell
    repetition: int


@dataclass(frozen=True, slots=True)
class Shard:
    """Part of a block: the cells from place ``first`` to before ``end`` of the order in which they are dealt out."""

    first: int
    end: int


@dataclass(frozen=True, slots=True)
class Block:
    """The trials that run in one boot under one kernel; ``index`` is its place in the run, ``boot`` counts from 0.

    :ivar host: the host whose trials these are, where each host runs every cell; else empty.
    :ivar shard: the part of the block that is meant; None: all of it.
    """

    index: int
    kernel: str
    boot: int
    host: str = ""
    shard: Shard | None = None

    @property
    def name(self) -> str:
        """A name for a folder; :meth:`~orchestrator.plan.plan.Plan.find_block` finds the block by it."""
        return f"{self.index}" if self.shard is None else f"{self.index}.{self.shard.first}-{self.shard.end}"
