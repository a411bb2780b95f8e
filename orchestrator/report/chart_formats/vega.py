"""Vega-Lite 5 with the data inside, for people who draw the charts in their own style."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from orchestrator.report import notes, text
from orchestrator.report.chart_formats import ChartFile
from orchestrator.report.figures import flat
from orchestrator.report.figures.picture import FONTS, caption, panel_name
from orchestrator.report.html import svg
from orchestrator.report.html.charts import CHARTS
from orchestrator.report.html.figure import Figure, Panel, Point, Row
from orchestrator.report.model import Report

SCHEMA = "https://vega.github.io/schema/vega-lite/v5.json"

_Spec = dict[str, Any]

_PIXEL = 96 / 72
"""Pixels of a point."""
_TEXT = round(8 * _PIXEL, 2)
_PANEL, _LINE, _AROUND = 250, 14, 90
"""Height of a panel, of a line of the name of a row, and of what is around rows, in pixels."""


def render(report: Report, points: float) -> Iterator[ChartFile]:
    """Yield a specification for each panel and each chart of rows that has data; the names are those of SVG."""
    for chart in CHARTS:
        figure = chart.draw(report)
        if figure is None:
            continue
        if any(row.points for row in figure.rows):
            yield _file(report, figure.key, figure, figure.title, points, _rows(figure, figure.rows))
        for panels in figure.groups:
            for panel in panels:
                title = f"{figure.title}: {panel.heading}"
                name = panel_name(figure, panels, panel)
                yield _file(report, name, figure, title, points, _panel(panel, report.log_x))


def _file(report: Report, name: str, figure: Figure, title: str, points: float, drawn: _Spec) -> ChartFile:
    opening = report.opening
    off = " ".join(notes.unchecked(report))
    bottom = {"text": off, "orient": "bottom", "fontWeight": "normal", "fontSize": _TEXT}
    spec: _Spec = {
        "$schema": SCHEMA,
        "description": text.plain(caption(report, figure, title), notes.LONGEST_LEGEND),
        "usermeta": {
            "run": opening.run,
            "content_hash": opening.content_hash,
            "version": opening.version,
            "unchecked": list(opening.unchecked),
        },
        **({"title": bottom} if off else {}),
        "width": round(points * _PIXEL, 2),
        "autosize": {"type": "fit", "contains": "padding"},
        **drawn,
        "config": _config(),
    }
    content = json.dumps(spec, indent=2, ensure_ascii=False, allow_nan=False)
    return ChartFile(name, figure.key, text.plain(title), "vl.json", content + "\n")


def _config() -> _Spec:
    words = {"labelFontSize": _TEXT, "titleFontSize": _TEXT, "titleFontWeight": "normal", "labelLimit": 0}
    return {
        "font": FONTS,
        "view": {"stroke": None},
        "axis": {**words, "gridColor": flat.colour("rule")},
        "legend": {**words, "orient": "top", "title": None, "columns": 2},
        "range": {"category": [flat.colour(f"s{series}") for series in range(svg.SERIES)]},
    }


def _panel(panel: Panel, log: bool) -> _Spec:
    """Return data and layers of a panel: the factor along x, the figure along y."""
    numbers = [_number(point.at) for point in panel.points]
    amount = panel.joined and None not in numbers
    values = [
        {**_datum(point), "at": number if amount else point.at}
        for point, number in zip(panel.points, numbers, strict=True)
    ]
    series = _series(panel.points)
    title = {"field": "at", "title": panel.x}
    levels = sorted({number for number in numbers if number is not None})
    # The ends of the axis are those of the levels, as in the other formats.
    scale: _Spec = {"type": "log", "base": 2} if log and levels and levels[0] > 0 else {"zero": False}
    # "sort": null keeps the order of the data.
    x: _Spec = {**title, "type": "ordinal", "sort": None}
    if amount:
        x = {**title, "type": "quantitative", "axis": {"values": levels}, "scale": scale}
    y = {"field": "value", "type": "quantitative", "title": panel.axis, "scale": {"zero": True}}
    layers: list[_Spec] = [_interval("y")]
    if panel.joined:
        layers.append({"mark": "line", "encoding": {"strokeDash": series}})
    layers.append(_marks(series))
    encoding = {"x": x, "y": y, "color": series}
    return {"height": _PANEL, "data": {"values": values}, "encoding": encoding, "layer": layers}


def _rows(figure: Figure, rows: Sequence[Row]) -> _Spec:
    """Return data and layers of a chart of rows: the figure along x."""
    points = [point for row in rows for point in row.points]
    series = _series(points)
    # A line for each factor.
    names = {"labelExpr": "split(datum.label, ', ')", "labelBaseline": "middle"}
    encoding = {
        "x": {"field": "value", "type": "quantitative", "title": figure.axis_title},
        "y": {"field": "at", "type": "nominal", "sort": None, "title": None, "axis": names},
        "color": series,
    }
    lines = sum(point_name.count(", ") + 2 for point_name in {point.at for point in points})
    return {
        "height": _LINE * lines + _AROUND,
        "data": {"values": list(map(_datum, points))},
        "encoding": encoding,
        "layer": [_interval("x"), _marks(series)],
    }


def _series(points: Sequence[Point]) -> _Spec:
    names = list(dict.fromkeys(point.series for point in points))
    return {"field": "series", "type": "nominal", "scale": {"domain": names}}


def _interval(axis: str) -> _Spec:
    """Return the layer of intervals; data without one have no mark in it."""
    ends: _Spec = {axis: {"field": "low", "type": "quantitative"}, f"{axis}2": {"field": "high"}}
    return {"transform": [{"filter": "isValid(datum.low)"}], "mark": {"type": "rule"}, "encoding": ends}


def _marks(series: _Spec) -> _Spec:
    # With the same domain as the colour, both have one legend.
    encoding = {"shape": series, "tooltip": {"field": "words"}}
    return {"mark": {"type": "point", "filled": True, "size": 50, "opacity": 1}, "encoding": encoding}


def _datum(point: Point) -> _Spec:
    words = ("at", "series", "value", "low", "high", "words")
    return {name: value for name in words if (value := getattr(point, name)) is not None}


def _number(level: str) -> float | None:
    try:
        return float(level)
    except ValueError:
        return None
