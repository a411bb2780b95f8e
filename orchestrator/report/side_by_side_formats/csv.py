"""CSV (UTF-8, RFC 4180): one line per cell, environment and metric, with a group of columns for each run."""

from __future__ import annotations

import csv
import io

from orchestrator.report.side_by_side import SideBySide

FIGURES = ("n", "boots", "median", "interval_low", "interval_high", "min", "max")
"""Columns of each run, written as ``RUN.median`` and so on."""


def render(runs: SideBySide) -> str:
    """Return the runs as CSV with a heading line; figures in full precision, unknown values empty."""
    stream = io.StringIO()
    writer = csv.writer(stream)
    groups = [f"{column.run}.{name}" for column in runs.columns for name in FIGURES]
    writer.writerow(["metric", "unit", "environment", *(f"factor.{name}" for name in runs.factors), *groups])
    for metric in runs.metrics:
        for cell in runs.cells:
            line: list[object] = [metric.name, metric.unit, cell.environment]
            line += [cell.factors.get(name, "") for name in runs.factors]
            for found in cell.found:
                figure = found.estimate(metric.name) if found else None
                if figure is None:
                    line += [""] * len(FIGURES)
                    continue
                limits = (figure.interval.low, figure.interval.high) if figure.interval else ("", "")
                line += [figure.n, figure.boots, figure.median, *limits, figure.minimum, figure.maximum]
            writer.writerow(line)
    return stream.getvalue()
