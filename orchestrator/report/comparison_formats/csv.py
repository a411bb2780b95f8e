"""CSV (UTF-8, RFC 4180): one line per row of the comparison, figures in full precision."""

from __future__ import annotations

import csv
import io

from orchestrator.report.comparison import ComparisonReport

FIGURES = (
    "ratio",
    "low",
    "high",
    "confidence",
    "p",
    "p_adjusted",
    "verdict",
    "reason",
    "enough",
    "note",
    "seed",
    "method",
)
SIDE = ("cell", "environment", "n", "boots", "excluded", "median")


def render(compared: ComparisonReport) -> str:
    """Return the comparison as CSV with a heading line; unknown values are empty."""
    stream = io.StringIO()
    writer = csv.writer(stream)
    factors = list(dict.fromkeys(name for row in compared.rows for name in row.factors))
    sides = [f"{side}_{name}" for side in ("base", "new") for name in SIDE]
    writer.writerow(["metric", "unit", *(f"factor.{name}" for name in factors), *sides, *FIGURES])
    method = " ".join(compared.methods)
    for row in compared.rows:
        line: list[object] = [row.metric.name, row.metric.unit, *(row.factors.get(n, "") for n in factors)]
        for side, median in ((row.base, row.base_median), (row.new, row.new_median)):
            values = (
                (side.cell, side.environment, side.n, len(side.boots), len(side.excluded), median)
                if side
                else ()
            )
            line += values or [""] * len(SIDE)
        line += [row.ratio, *(row.interval or ("", "")), compared.rules.confidence, row.p, row.adjusted]
        writer.writerow([*line, row.verdict, row.reason, row.enough, row.note, row.seed, method])
    return stream.getvalue()
