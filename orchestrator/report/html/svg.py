"""SVG elements, scales in percent of the width, and the marks of series.

The x axis is in percent of the width, the y axis in pixels. So text and marks keep their size on a phone, a wide screen
and paper.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from markupsafe import Markup, escape
from msgspec import Struct

SERIES = 8
"""Number of colours, marks and dash patterns (style.css); further series reuse them with hollow marks."""

_MARKS = (
    "M-5 0A5 5 0 1 1 5 0A5 5 0 1 1-5 0Z",  # circle
    "M0-6L6 0L0 6L-6 0Z",  # diamond
    "M-4.5-4.5H4.5V4.5H-4.5Z",  # square
    "M0-6L5.5 4.5H-5.5Z",  # triangle
    "M0 6L5.5-4.5H-5.5Z",  # triangle on its head
    "M-2-6H2V-2H6V2H2V6H-2V2H-6V-2H-2Z",  # plus
    "M-6 0L-3-5H3L6 0L3 5H-3Z",  # hexagon
    "M0-6.5L1.6-1.6L6.5 0L1.6 1.6L0 6.5L-1.6 1.6L-6.5 0L-1.6-1.6Z",  # star
)


def element(name: str, *children: str, **attributes: object) -> Markup:
    """Return an element; plain text children are escaped, ``stroke_width`` becomes ``stroke-width``.

    >>> element("text", "a < b", x="5%", class_="note")
    Markup('<text x="5%" class="note">a &lt; b</text>')
    """
    words = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{escape(_written(value))}"'
        for key, value in attributes.items()
        if value is not None
    )
    inner = Markup("").join(children)
    # Names are ours; values of attributes and children are escaped above.
    return Markup(f"<{name}{words}>{inner}</{name}>") if inner else Markup(f"<{name}{words}/>")  # nosec B704


def percent(value: float) -> str:
    """Return a position along x in SVG syntax."""
    return f"{_written(value)}%"


def line(x1: float, y1: float, x2: float, y2: float, class_: str) -> Markup:
    """Return a line; x in percent, y in pixels."""
    return element("line", x1=percent(x1), y1=y1, x2=percent(x2), y2=y2, class_=class_)


def label(
    text: str, x: float, y: float, anchor: str = "middle", class_: str | None = None, dx: float | None = None
) -> Markup:
    """Return text at x percent, moved by ``dx`` pixels, and y pixels."""
    return element("text", text, x=percent(x), y=y, text_anchor=anchor, class_=class_, dx=dx)


def mark(series: int, x: float, y: float, tooltip: str, class_: str = "") -> Markup:
    """Return the mark of a series at x percent and y pixels."""
    hollow = " hollow" if series // SERIES % 2 else ""
    path = element("path", element("title", tooltip), d=_MARKS[series % SERIES])
    words = f"mark s{series % SERIES}{hollow} {class_}".strip()
    return element("svg", path, x=percent(x), y=y, class_=words, overflow="visible")


def key(series: int, with_line: bool) -> Markup:
    """Return the legend symbol of a series."""
    parts = [line(0, 8, 100, 8, f"curve s{series % SERIES}")] if with_line else []
    return element(
        "svg",
        *parts,
        mark(series, 50, 8, ""),
        class_="key",
        width=34 if with_line else 18,
        height=16,
        aria_hidden="true",
    )


LEFT, RIGHT = 52, 8
"""Pixels beside a :func:`picture`, for the labels of its y axis; as in style.css."""


def picture(content: Sequence[str], height: float, title: str, described: str) -> Markup:
    """Return a drawing of full width apart from :data:`LEFT` and :data:`RIGHT`; with words for screen readers."""
    return element(
        "svg",
        element("title", title),
        element("desc", described),
        *content,
        role="img",
        aria_label=f"{title}. {described}",
        width="100%",
        height=height,
        class_="plot",
    )


def bar_key() -> Markup:
    """Return the legend symbol of a bar across a track."""
    return element("svg", line(50, 1, 50, 15, "roof"), class_="key", width=18, height=16, aria_hidden="true")


def band_key(series: int) -> Markup:
    """Return the legend symbol of a band behind a track."""
    rect = element("rect", x=0, y=2, width="100%", height=12, class_=f"band s{series % SERIES}")
    return element("svg", rect, class_="key", width=18, height=16, aria_hidden="true")


def track(content: Sequence[str], height: float) -> Markup:
    """Return the drawing of one row; hidden from screen readers, as its figures are beside it in words."""
    return element("svg", *content, width="100%", height=height, aria_hidden="true")


def axis(scale: Scale) -> Markup:
    """Return the axis labels below tracks."""
    return track([label(short(tick), scale(tick), 13) for tick in scale.ticks()], 18)


class Scale(Struct, frozen=True):
    """Maps values from ``low`` to ``high`` linearly to positions from ``start`` to ``end``."""

    low: float
    high: float
    start: float
    end: float

    def __call__(self, value: float) -> float:
        """Return the position of a value."""
        return self.start + (value - self.low) / ((self.high - self.low) or 1.0) * (self.end - self.start)

    def ticks(self, wanted: int = 5) -> list[float]:
        """Return about ``wanted`` round values from ``low`` to ``high``."""
        step = round_step((self.high - self.low) / max(1, wanted)) or 1.0
        first, last = math.ceil(self.low / step - 1e-9), math.floor(self.high / step + 1e-9)
        return [count * step for count in range(first, last + 1)]


def from_zero(values: Sequence[float], start: float, end: float) -> Scale:
    """Return a scale from zero (or the least value, if negative) to a round value above the greatest."""
    high, low = max(values, default=1.0), min(0.0, *values)
    step = round_step((high - low) / 5) or 1.0
    return Scale(math.floor(low / step) * step, math.ceil(high / step + 0.1) * step, start, end)


def round_step(step: float) -> float:
    """Return the least of 1, 2, 5, 10, 20, 50 … (and their tenths) that is no less than ``step``; 0 for 0.

    >>> round_step(0.3), round_step(7)
    (0.5, 10.0)
    """
    if step <= 0:
        return 0.0
    size: float = 10.0 ** math.floor(math.log10(step))
    return next(nice * size for nice in (1, 2, 5, 10, 20) if nice * size >= step * (1 - 1e-9))


def short(value: float) -> str:
    """Return a figure for an axis label.

    >>> short(0.30000000000000004), short(2000000.0)
    ('0.3', '2e+06')
    """
    return f"{value:.6g}"


def _written(value: object) -> str:
    return f"{value:.3f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)
