"""What figures are set against."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class PublishedFigure:
    """What has been published for all cells with these ``levels`` (texts by swept factor).

    ``baseline`` is the published figure of their baseline, None if there is none.
    """

    levels: Mapping[str, str]
    value: float
    baseline: float | None


@dataclass(frozen=True, slots=True)
class Published:
    """Figures of one published table, as far as the cells of an experiment have a row in it.

    ``source``, ``machine``, ``kernel`` and ``method`` are one line each; ``better`` is which way ``unit`` is better;
    ``notes`` are what a reader must know before comparing with these figures.
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

    def figure(self, levels: Mapping[str, str]) -> PublishedFigure | None:
        """Return the figure of a cell with these levels, None if there is none."""
        return next(
            (
                figure
                for figure in self.figures
                if all(levels.get(name) == level for name, level in figure.levels.items())
            ),
            None,
        )


@dataclass(frozen=True, slots=True)
class Comparison:
    """What the report sets each cell against.

    :ivar metric: what a speed-up is of.
    :ivar baseline: levels (texts by swept factor); the baseline of a cell is the cell that has these and is like it
        in all other swept factors.
    """

    metric: str
    baseline: Mapping[str, str]
    published: Published | None = None
