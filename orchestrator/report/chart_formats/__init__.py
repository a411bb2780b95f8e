"""The formats of single charts. Each module is one format, found by its name.

A format has one function, ``render(report: Report, points: float) -> Iterator[ChartFile]``; ``points`` is the width.
"""

from __future__ import annotations

from msgspec import Struct


class ChartFile(Struct, frozen=True):
    """The file of a chart, or of one panel of a chart.

    :ivar name: without the ``extension``, such as ``svg``.
    :ivar chart: the name of the chart; a chart of several panels has several files.
    :ivar title: one line.
    """

    name: str
    chart: str
    title: str
    extension: str
    content: str | bytes
