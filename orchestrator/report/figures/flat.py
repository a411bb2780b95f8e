"""Drawings of the HTML report with all that a style sheet and a browser add: positions in pixels, styles as attributes.

Programs that take SVG into papers (Inkscape, LaTeX, LibreOffice) read neither ``calc`` and variables of CSS nor,
many of them, positions in percent. Colours are those of the light page, see ``style.css`` of the HTML report.
"""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET  # nosec B405 # reads what this program has drawn
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files

from orchestrator.report import html
from orchestrator.report.figures.words import SIZE

Attributes = Mapping[str, str]

_TAGS = ("line", "rect", "circle", "path", "text", "svg")
_HORIZONTAL = ("x", "x1", "x2", "cx", "width")
_KEPT = ("x", "y", "x1", "y1", "x2", "y2", "cx", "cy", "r", "d", "width", "height", "text-anchor")
_DASHES = {
    f"s{series}": dashes
    for series, dashes in enumerate(("", "7 4", "2 3", "9 3 2 3", "12 4", "4 4", "1 4", "9 3 2 3 2 3"))
    if dashes
}


def flat(markup: str, width: float) -> Iterator[ET.Element]:
    """Yield the elements of an ``svg`` that is ``width`` pixels wide, without tooltips."""
    root = ET.fromstring("".join(c if c.isprintable() else " " for c in markup))  # nosec B314
    for child in root:
        yield from _element(child, width, "")


def element(tag: str, *children: ET.Element, text: str | None = None, **attributes: object) -> ET.Element:
    """Return an element; ``stroke_width`` becomes ``stroke-width``."""
    made = ET.Element(
        tag, {name.rstrip("_").replace("_", "-"): _written(value) for name, value in attributes.items()}
    )
    made.text = text
    made.extend(children)
    return made


def words(text: str, x: float, y: float, anchor: str = "start") -> ET.Element:
    """Return one line of text."""
    return element("text", text=text, x=x, y=y, text_anchor=anchor, font_size=SIZE, fill=colour("ink"))


@cache
def colour(name: str) -> str:
    """Return a colour of the light page by the name of its variable, such as ``s0`` for the first series."""
    sheet = files(html).joinpath("style.css").read_text(encoding="utf-8")
    found = re.search(rf"--{name}: (#[0-9a-f]{{6}});", sheet)
    assert found is not None, name
    return found[1]


def _element(given: ET.Element, width: float, around: str) -> Iterator[ET.Element]:
    if given.tag not in _TAGS:
        return
    classes = f"{around} {given.get('class', '')}"
    placed = {
        name: _pixels(value, width) if name in _HORIZONTAL else value
        for name, value in given.items()
        if name in _KEPT
    }
    if given.tag == "svg":
        group = element("g", transform=f"translate({placed.get('x', '0')} {placed.get('y', '0')})")
        for child in given:
            group.extend(_element(child, float(placed.get("width", width)), classes))
        yield group
        return
    if "dx" in given.attrib:
        placed["x"] = _written(float(placed["x"]) + float(given.attrib["dx"]))
    made = ET.Element(given.tag, {**placed, **_style(given, set(classes.split()))})
    made.text = given.text if given.tag == "text" else None
    yield made


def _style(given: ET.Element, classes: set[str]) -> Attributes:
    """Return what ``style.css`` says of an element, as attributes."""
    own = colour(next((name for name in classes if re.fullmatch(r"s\d", name)), "ink"))
    if given.tag == "text":
        return {"fill": colour("ink"), "font-size": _written(SIZE)}
    if given.tag == "line":
        return _line(classes, own)
    if "hollow" in classes:
        return {"fill": colour("paper"), "stroke": own, "stroke-width": "2"}
    if "mark" in classes:
        return {"fill": own, "stroke": colour("paper"), "stroke-width": "1"}
    if "dot" in classes:
        return {"fill": own, "fill-opacity": "0.55", "stroke": colour("paper"), "stroke-width": "0.5"}
    if "box" in classes:
        return {"fill": colour("faint"), "fill-opacity": "0.25"}
    if "band" in classes:
        return {"fill": own, "fill-opacity": "0.22"}
    return {"fill": colour("ink"), "fill-opacity": given.get("opacity", "1")}


def _line(classes: set[str], own: str) -> Attributes:
    ink, faint = colour("ink"), colour("faint")
    styles: Mapping[str, tuple[str, str]] = {
        "grid": (colour("rule"), "1"),
        "zero": (faint, "1.5"),
        "reference": (faint, "1.5"),
        "between": (faint, "1.5"),
        "roof": (ink, "4"),
        "median": (ink, "2"),
        "ran": (ink, "12"),
        "curve": (own, "2"),
        "spread": (own, "2"),
        "stem": (own, "3"),
    }
    stroke, width = next(styles[name] for name in styles if name in classes)
    found = {"stroke": stroke, "stroke-width": width}
    dashes = (
        "2 3"
        if "between" in classes
        else next((_DASHES[name] for name in classes & set(_DASHES) if "curve" in classes), "")
    )
    if dashes:
        found["stroke-dasharray"] = dashes
    if "stem" in classes:
        found["stroke-opacity"] = "0.45"
    return found


def _pixels(value: str, width: float) -> str:
    return _written(float(value[:-1]) / 100 * width) if value.endswith("%") else value


def _written(value: object) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)
