"""JSON for programs: one document, versioned, one object per row."""

from __future__ import annotations

import json
from typing import Any

from msgspec import to_builtins

from orchestrator.analysis.comparison import Row
from orchestrator.analysis.samples import Sample
from orchestrator.report.comparison import ComparisonReport

FORMAT = 1


def render(compared: ComparisonReport) -> str:
    """Return the comparison as a JSON document of format :data:`FORMAT`; docs/statistics.md describes it."""
    document = {
        "format": FORMAT,
        "type": "comparison",
        "base": compared.base,
        "new": compared.new,
        "difference": compared.difference,
        "rules": to_builtins(compared.rules),
        "methods": compared.methods,
        "tests": compared.tested,
        "fail_on_regression": compared.fail_on,
        "regressions": len(compared.regressions),
        "unjudged": len(compared.unjudged),
        "enough": [to_builtins(remedy) for remedy in compared.remedies],
        "rows": [_row(row) for row in compared.rows],
    }
    return json.dumps(document, indent=2, allow_nan=False) + "\n"


def _row(row: Row) -> dict[str, Any]:
    return {
        "metric": row.metric.name,
        "unit": row.metric.unit,
        "factors": dict(row.factors),
        "base": _side(row.base, row.base_median),
        "new": _side(row.new, row.new_median),
        "ratio": row.ratio,
        "interval": row.interval,
        "p": row.p,
        "p_adjusted": row.adjusted,
        "verdict": row.verdict,
        "reason": row.reason,
        "enough": row.enough,
        "note": row.note,
        "seed": row.seed,
    }


def _side(sample: Sample | None, median: float | None) -> dict[str, Any] | None:
    if sample is None:
        return None
    return {
        "cell": sample.cell,
        "kernel": sample.factors.get("kernel", ""),
        "environment": sample.environment,
        "label": sample.label,
        "n": sample.n,
        "boots": len(sample.boots),
        "median": median,
        "excluded": [to_builtins(trial) for trial in sample.excluded],
    }
