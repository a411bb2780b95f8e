"""What charts are made of: panels with axes, or rows that share one axis."""

from __future__ import annotations

from dataclasses import dataclass

from markupsafe import Markup


@dataclass(frozen=True, slots=True)
class Panel:
    """One drawing of a figure, with its heading."""

    heading: str
    drawing: Markup


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a figure: its name, the drawing along the figure's axis, and its figures in words."""

    name: str
    track: Markup
    words: str


@dataclass(frozen=True, slots=True)
class Figure:
    """A chart with all that its reader must know.

    :ivar key: for links; ``described``: one sentence for those who do not see it.
    :ivar groups: panels that stand side by side, in groups one below the other.
    :ivar legend: picture and name of each series.
    :ivar axis: what rows share below them; None for panels.
    :ivar notes: what is meant, and what was left out.
    """

    key: str
    title: str
    described: str
    groups: tuple[tuple[Panel, ...], ...] = ()
    rows: tuple[Row, ...] = ()
    axis: Markup | None = None
    legend: tuple[tuple[Markup, str], ...] = ()
    notes: tuple[str, ...] = ()
