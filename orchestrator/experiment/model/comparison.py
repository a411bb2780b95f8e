"""Baselines and published figures."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from msgspec import Struct


class PublishedFigure(Struct, frozen=True):
    """The published figure for all cells with these levels.

    :ivar levels: texts by swept factor.
    :ivar baseline: the published figure of their baseline; None if there is none.
    """

    levels: Mapping[str, str]
    value: float
    baseline: float | None


class Published(Struct, frozen=True):
    """The figures of one published table that match cells of an experiment.

    :ivar source: author, list, date and message id. ``source``, ``machine``, ``kernel`` and ``method`` are one line.
    :ivar better: whether higher or lower figures are better.
    :ivar notes: caveats for comparisons with these figures.
    """

    dataset: str
    source: str
    machine: str
    kernel: str
    unit: str
    better: Literal["higher", "lower"]
    figures: tuple[PublishedFigure, ...]
    method: str = ""
    notes: tuple[str, ...] = ()

    @property
    def bare_unit(self) -> str:
        """The unit without the words that may follow it."""
        return next(iter(self.unit.split()), "")

    def figure(self, levels: Mapping[str, str]) -> PublishedFigure | None:
        """Return the figure of a cell with these levels; None if there is none."""
        return next(
            (
                figure
                for figure in self.figures
                if all(levels.get(name) == level for name, level in figure.levels.items())
            ),
            None,
        )


class Comparison(Struct, frozen=True):
    """The references for the speed-up of each cell.

    :ivar metric: the metric of the speed-up.
    :ivar baseline: levels (texts by swept factor). The baseline of a cell has these levels, and the levels of the cell
        for all other factors.
    :ivar published: None if there is no published table.
    """

    metric: str
    baseline: Mapping[str, str]
    published: Published | None = None
