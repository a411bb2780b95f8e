"""CSV (UTF-8, RFC 4180): one line per cell, environment and metric; one line for a cell without figures."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from itertools import zip_longest

from orchestrator.analysis.intervals import METHODS, Interval
from orchestrator.analysis.summary import CellSummary
from orchestrator.experiment.model import Status
from orchestrator.report.model import Report

INTERVAL = ("low", "high", "confidence", "unit", "method")
"""Fields of an interval, written as ``interval_low`` and so on."""
FIGURES = (
    *("metric", "unit", "n", "boots", "median", "spread", "spread_method", "min", "max"),
    *(f"interval_{name}" for name in INTERVAL),
    "no_interval",
)
VERIFICATION = ("pages", "pages_on_target", "bytes_checked", "bytes_wrong")
SPEEDUP = ("metric", "modelled", "baseline", "ratio", "published")
SPEEDUPS = (*SPEEDUP, *(f"interval_{name}" for name in INTERVAL))
"""Fields of a speed-up, written as ``speedup_metric`` and so on, where the experiment compares."""


def render(report: Report) -> str:
    """Return the report as CSV with a heading line; figures in full precision, unknown values empty."""
    stream = io.StringIO()
    writer = csv.writer(stream)
    statuses = [status.value for status in Status]
    factors = [f"factor.{name}" for name in report.factors]
    speedup = [f"speedup_{name}" for name in SPEEDUPS] if report.opening.compare else []
    head = [
        "run",
        "content_hash",
        "cell",
        "environment",
        "label",
        "kernel_hash",
        *factors,
        *statuses,
        "unchecked",
        *VERIFICATION,
        *speedup,
        *FIGURES,
    ]
    writer.writerow(head)
    unchecked = "; ".join(report.opening.unchecked)
    for cell, compared in zip_longest(report.cells, report.speedups):
        head = [report.opening.run, report.opening.content_hash, cell.cell, cell.environment, cell.label]
        head.append(report.kernel_hashes.get(cell.factors.get("kernel", ""), ""))
        head += [cell.factors.get(name, "") for name in report.factors]
        counts = [cell.statuses.get(status, 0) for status in statuses]
        verified = [getattr(cell.verification, name, None) for name in VERIFICATION]
        speedups = [getattr(compared, name) for name in SPEEDUP] if compared else []
        speedups += _interval(compared.interval) if compared else []
        for figures in _figures(cell):
            writer.writerow([*head, *counts, unchecked, *verified, *speedups, *figures])
    return stream.getvalue()


def _figures(cell: CellSummary) -> Iterator[tuple[object, ...]]:
    for e in cell.estimates:
        spread = e.spread
        figures = (
            e.metric,
            e.unit,
            e.n,
            e.boots,
            e.median,
            spread.value,
            spread.method,
            e.minimum,
            e.maximum,
        )
        yield *figures, *_interval(e.interval), e.no_interval
    if not cell.estimates:
        yield ("",) * len(FIGURES)


def _interval(interval: Interval | None) -> list[object]:
    if interval is None:
        return [""] * len(INTERVAL)
    return [interval.low, interval.high, interval.confidence, interval.unit, METHODS[interval.unit]]
