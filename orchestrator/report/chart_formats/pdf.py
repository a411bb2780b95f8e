"""PDF for papers: the same drawings as in SVG, with embedded fonts."""

from __future__ import annotations

import io
import xml.etree.ElementTree as ET  # nosec B405 # writes XML, reads none
from collections.abc import Iterator
from pathlib import Path

from orchestrator.errors import BadInput
from orchestrator.extras import installation
from orchestrator.report.chart_formats import ChartFile
from orchestrator.report.figures.picture import Picture, pictures
from orchestrator.report.model import Report

_FONT = "DejaVu Sans"
"""The first font of the pictures. Reportlab has Bitstream Vera Sans, of which DejaVu Sans is a later version."""


def render(report: Report, points: float) -> Iterator[ChartFile]:
    """Yield the charts as PDF of one page each, ``points`` wide; the same bytes for the same run.

    Raises ``BadInput`` if svglib is not installed.
    """
    try:
        import reportlab
        from svglib import svglib
    except ImportError:
        raise BadInput(f"--format pdf requires svglib; install it with: {installation('pdf')}") from None
    svglib.register_font(_FONT, str(Path(reportlab.__file__).parent / "fonts" / "Vera.ttf"))
    for picture in pictures(report, points):
        picture.root.set("font-family", _FONT)
        yield ChartFile(picture.name, picture.chart, picture.title, "pdf", _pdf(picture))


def _pdf(picture: Picture) -> bytes:
    from reportlab.graphics import renderPDF, shapes
    from reportlab.pdfgen.canvas import Canvas
    from svglib import svglib

    # Otherwise the page has Helvetica too, which is not embedded: printers and publishers refuse such files.
    shapes.STATE_DEFAULTS["fontName"] = _FONT
    drawing = svglib.svg2rlg(io.BytesIO(ET.tostring(picture.root)))
    assert drawing is not None
    target = io.BytesIO()
    # Invariant: no time of creation.
    canvas = Canvas(target, pagesize=(picture.width, picture.height), invariant=1, initialFontName=_FONT)
    canvas.setTitle(picture.title)
    canvas.setSubject(picture.caption)
    canvas.setCreator("orchestrate")
    canvas.setAuthor("")
    renderPDF.draw(drawing, canvas, 0, 0)
    canvas.showPage()
    canvas.save()
    return target.getvalue()
