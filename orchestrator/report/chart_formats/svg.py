"""SVG for papers: one file for each panel, without scripts, style sheets and positions in percent."""

from __future__ import annotations

import xml.etree.ElementTree as ET  # nosec B405 # writes XML, reads none
from collections.abc import Iterator

from orchestrator.report.chart_formats import ChartFile
from orchestrator.report.figures.picture import pictures
from orchestrator.report.model import Report


def render(report: Report, points: float) -> Iterator[ChartFile]:
    """Yield the charts as SVG documents, ``points`` wide."""
    for picture in pictures(report, points):
        ET.indent(picture.root)
        content = ET.tostring(picture.root, encoding="unicode", xml_declaration=False)
        yield ChartFile(picture.name, picture.chart, picture.title, "svg", content + "\n")
