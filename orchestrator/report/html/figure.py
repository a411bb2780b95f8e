"""Figures of charts: panels with axes, or rows that share one axis."""

from __future__ import annotations

from markupsafe import Markup
from msgspec import Struct


class Point(Struct, frozen=True):
    """One figure of a chart, for formats that hold data in place of a drawing.

    :ivar at: the level along x of a panel; the name of a row.
    :ivar low: the lower end of the interval or spread, as ``high`` the upper one; None if there is none.
    :ivar words: what a tooltip says.
    """

    at: str
    series: str
    value: float
    low: float | None = None
    high: float | None = None
    words: str = ""


class Panel(Struct, frozen=True):
    """One drawing of a figure, with its heading.

    :ivar axis: the figure along y, with its unit.
    :ivar x: the factor along x; ``joined``: whether lines join its levels.
    """

    heading: str
    drawing: Markup
    axis: str = ""
    x: str = ""
    joined: bool = False
    points: tuple[Point, ...] = ()


class Row(Struct, frozen=True):
    """One row of a figure: its name, the drawing along the figure's axis, and its figures in words."""

    name: str
    track: Markup
    words: str
    points: tuple[Point, ...] = ()


class Figure(Struct, frozen=True):
    """A chart with its legend and notes.

    :ivar key: for links.
    :ivar described: one sentence for screen readers.
    :ivar groups: panels side by side; groups are stacked.
    :ivar legend: picture and name of each series.
    :ivar axis: the shared axis below rows; None for panels.
    :ivar axis_title: what that axis shows, with its unit.
    :ivar notes: how to read the chart, and what was left out.
    """

    key: str
    title: str
    described: str
    groups: tuple[tuple[Panel, ...], ...] = ()
    rows: tuple[Row, ...] = ()
    axis: Markup | None = None
    axis_title: str = ""
    legend: tuple[tuple[Markup, str], ...] = ()
    notes: tuple[str, ...] = ()
