"""Figures of charts: panels with axes, or rows that share one axis."""

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
    """A chart with its legend and notes.

    :ivar key: for links.
    :ivar described: one sentence for screen readers.
    :ivar groups: panels side by side; groups are stacked.
    :ivar legend: picture and name of each series.
    :ivar axis: the shared axis below rows; None for panels.
    :ivar notes: how to read the chart, and what was left out.
    """

    key: str
    title: str
    described: str
    groups: tuple[tuple[Panel, ...], ...] = ()
    rows: tuple[Row, ...] = ()
    axis: Markup | None = None
    legend: tuple[tuple[Markup, str], ...] = ()
    notes: tuple[str, ...] = ()
