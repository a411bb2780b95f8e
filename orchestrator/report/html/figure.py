"""Figures of charts: panels with axes, or rows that share one axis."""

from __future__ import annotations

from markupsafe import Markup
from msgspec import Struct


class Panel(Struct, frozen=True):
    """One drawing of a figure, with its heading; ``axis`` is the figure along y, with its unit."""

    heading: str
    drawing: Markup
    axis: str


class Row(Struct, frozen=True):
    """One row of a figure: its name, the drawing along the figure's axis, and its figures in words."""

    name: str
    track: Markup
    words: str


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
