"""Charts as files, for papers and slides. Each format is one module of :mod:`orchestrator.report.chart_formats`."""

from __future__ import annotations

import importlib
import pkgutil
from typing import TYPE_CHECKING

from orchestrator.errors import BadInput
from orchestrator.nearest import did_you_mean
from orchestrator.report import chart_formats

if TYPE_CHECKING:
    from orchestrator.report.chart_formats import ChartFile
    from orchestrator.report.model import Report


def format_names() -> list[str]:
    """Return the names of all formats of charts; imports none of them."""
    return sorted(module.name for module in pkgutil.iter_modules(chart_formats.__path__))


def render(report: Report, format_name: str, points: float, chosen: str = "") -> list[ChartFile]:
    """Return the files of the charts in a format, one of :func:`format_names`, ``points`` wide.

    ``chosen`` is the name of a chart or of one of its files; without it all are returned. Raises ``BadInput`` if the
    run has no such chart, or none at all.
    """
    found: list[ChartFile] = list(
        importlib.import_module(f"{chart_formats.__name__}.{format_name}").render(report, points)
    )
    if not found:
        raise BadInput(f"run {report.opening.run} has no charts: no trial has a figure yet")
    files = [file for file in found if chosen in ("", file.chart, file.name)]
    if not files:
        known = dict.fromkeys(name for file in found for name in (file.chart, file.name))
        raise BadInput(f"--chart {chosen}: no such chart in this run; {did_you_mean(chosen, known)}")
    return files
