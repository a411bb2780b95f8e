"""Charts of the HTML report, laid out for one column of a paper: text of 8 pt, no title.

A pixel of a chart is 2/3 pt, so its text of 12 pixels becomes text of 8 pt.
"""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET  # nosec B405 # writes XML
from collections.abc import Iterable, Iterator, Sequence

from markupsafe import Markup
from msgspec import Struct

from orchestrator.report import notes, text
from orchestrator.report.figures import flat
from orchestrator.report.figures.words import LINE, lines, width
from orchestrator.report.html import svg
from orchestrator.report.html.charts import CHARTS
from orchestrator.report.html.figure import Figure, Panel, Row
from orchestrator.report.model import Report

PIXEL = 8 / 12
"""Points."""
FONTS = "'DejaVu Sans', 'Bitstream Vera Sans', Verdana, Helvetica, Arial, sans-serif"

_GAP = 10.0
_NAMES = 0.4
"""Most of the width that the names of rows may have."""
_KEY = 34.0
_PAD = 4.0
_BETWEEN = 2.0
"""Between two rows."""


class Picture(Struct, frozen=True):
    """A chart, or one panel of a chart, as an SVG document.

    :ivar name: of its file, without an extension; ``chart``: the name of the chart it belongs to.
    :ivar caption: what it shows, how to read it, and what was measured.
    :ivar width: in points, as its ``height``.
    """

    name: str
    chart: str
    title: str
    caption: str
    root: ET.Element
    width: float
    height: float


def panel_name(figure: Figure, panels: Sequence[Panel], panel: Panel) -> str:
    """Return the name of the file of one of the panels of a metric."""
    metric = re.sub(r"[^A-Za-z0-9._-]+", "-", panel.axis.partition(",")[0])
    return f"{figure.key}-{metric}" + (f"-{panels.index(panel) + 1}" if len(panels) > 1 else "")


def caption(report: Report, figure: Figure, title: str) -> str:
    """Return a caption: what the picture shows, how to read it, and what was measured."""
    opening = report.opening
    return " ".join(
        [
            text.sentence(title),
            *figure.notes,
            *notes.unchecked(report),
            *(f"{environment}: {sentence}" for environment, sentence in report.environments.items()),
            f"Run {opening.run}, content hash {opening.content_hash[:12]}, orchestrate {opening.version}.",
        ]
    )


class _Sheet:
    """Elements from top to bottom, ``width`` pixels wide."""

    def __init__(self, width: float) -> None:
        self.width = width
        self.height = 0.0
        self.parts: list[ET.Element] = []

    def put(self, parts: Iterable[ET.Element], x: float, down: float = 0.0) -> None:
        """Place elements ``x`` pixels from the left, below what is there."""
        at = f"translate({x:.2f} {self.height + down:.2f})"
        self.parts.append(flat.element("g", *parts, transform=at))

    def paragraph(self, words: str) -> None:
        """Place text below what is there."""
        for line in lines(words, self.width - 2 * _PAD):
            self.height += LINE
            self.parts.append(flat.words(line, _PAD, self.height - _PAD))


def pictures(report: Report, points: float) -> Iterator[Picture]:
    """Yield the pictures of a report, ``points`` wide: one for each panel, and one for each chart of rows."""
    for chart in CHARTS:
        figure = chart.draw(report)
        if figure is None:
            continue
        if figure.rows:
            yield _picture(report, figure.key, figure, figure.title, _rows(figure, points / PIXEL))
        for panels in figure.groups:
            for panel in panels:
                name = panel_name(figure, panels, panel)
                title = f"{figure.title}: {panel.heading}"
                yield _picture(report, name, figure, title, _panel(figure, panel, points / PIXEL))


def _picture(report: Report, name: str, figure: Figure, title: str, sheet: _Sheet) -> Picture:
    sheet.height += _PAD
    for words in notes.unchecked(report):
        sheet.paragraph(words)
    said = caption(report, figure, title)
    box = f"0 0 {sheet.width:.2f} {sheet.height:.2f}"
    width_points, height_points = sheet.width * PIXEL, sheet.height * PIXEL
    root = flat.element(
        "svg",
        flat.element("title", text=text.plain(title)),
        flat.element("desc", text=text.plain(said, notes.LONGEST_LEGEND)),
        flat.element("rect", width=sheet.width, height=sheet.height, fill=flat.colour("paper")),
        *sheet.parts,
        xmlns="http://www.w3.org/2000/svg",
        width=f"{width_points:.2f}pt",
        height=f"{height_points:.2f}pt",
        viewBox=box,
        font_family=FONTS,
    )
    return Picture(name, figure.key, text.plain(title), said, root, width_points, height_points)


def _legend(sheet: _Sheet, legend: Sequence[tuple[Markup, str]]) -> None:
    """Place the keys of the series in as many lines as they need."""
    x = 0.0
    for key, name in legend:
        narrow = "curve" not in key
        name_at = _KEY * (0.5 if narrow else 1.0) + _PAD
        (first, *more) = lines(name, sheet.width - name_at)
        first += "…" if more else ""
        if x and x + name_at + width(first) > sheet.width:
            x, sheet.height = 0.0, sheet.height + LINE
        drawn = flat.flat(key, _KEY / 2 if narrow else _KEY)
        sheet.put([*drawn, flat.words(first, name_at, 12.0)], x)
        x += name_at + width(first) + _GAP
    if legend:
        sheet.height += LINE + _PAD


def _panel(figure: Figure, panel: Panel, pixels: float) -> _Sheet:
    sheet = _Sheet(pixels)
    _legend(sheet, figure.legend)
    sheet.paragraph(panel.axis)
    sheet.put(flat.flat(panel.drawing, pixels - svg.LEFT - svg.RIGHT), svg.LEFT)
    sheet.height += float(ET.fromstring(panel.drawing).get("height", 0))  # nosec B314
    return sheet


def _rows(figure: Figure, pixels: float) -> _Sheet:
    """Lay out rows: names at the left, tracks at the right, the axis below them."""
    sheet = _Sheet(pixels)
    _legend(sheet, figure.legend)
    limit = pixels * _NAMES
    names = [lines(row.name, limit) for row in figure.rows]
    left = min(limit, max(width(line) for name in names for line in name)) + _GAP
    across = pixels - left - _GAP
    for row, name in zip(figure.rows, names, strict=True):
        _row(sheet, row, name, left, across)
    if figure.axis is not None:
        sheet.put(flat.flat(figure.axis, across), left)
        sheet.height += 18
    sheet.height += LINE
    # Words wider than the tracks extend to the left of them.
    end = min(left + across, left + across / 2 + width(figure.axis_title) / 2)
    sheet.parts.append(flat.words(figure.axis_title, end, sheet.height - _PAD, "end"))
    return sheet


def _row(sheet: _Sheet, row: Row, name: Sequence[str], left: float, across: float) -> None:
    track = float(ET.fromstring(row.track).get("height", 0))  # nosec B314
    high = max(track, len(name) * LINE)
    top = (high - len(name) * LINE) / 2
    sheet.put([flat.words(line, 0.0, (n + 1) * LINE - _PAD) for n, line in enumerate(name)], 0.0, top)
    down = (high - track) / 2
    drawn = list(flat.flat(row.track, across))
    for part in drawn:
        if part.tag == "line" and (part.get("y1"), part.get("y2")) == ("0", f"{track:g}"):
            # The grid goes on between rows.
            part.set("y1", f"{-down:g}")
            part.set("y2", f"{track + down + _BETWEEN:g}")
    sheet.put(drawn, left, down)
    sheet.height += high + _BETWEEN
