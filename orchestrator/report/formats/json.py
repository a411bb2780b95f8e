"""JSON for programs: one document, versioned, one object per cell and environment."""

from __future__ import annotations

import json
from itertools import zip_longest
from typing import Any

from msgspec import to_builtins

from orchestrator.analysis.diagnostics import METHODS as METHODS_OF_FINDINGS
from orchestrator.analysis.intervals import METHODS
from orchestrator.analysis.speedup import Speedup
from orchestrator.analysis.summary import CellSummary, Estimate
from orchestrator.report.model import Report

FORMAT = 2


def render(report: Report) -> str:
    """Return the report as a JSON document of format :data:`FORMAT`; docs/results.md describes it."""
    return json.dumps(document(report), indent=2, allow_nan=False) + "\n"


def document(report: Report) -> dict[str, Any]:
    """Return the report as the document that :func:`render` writes."""
    opening = report.opening
    return {
        "format": FORMAT,
        "type": "report",
        "run": opening.run,
        "experiment": opening.experiment,
        "content_hash": opening.content_hash,
        "seed": opening.seed,
        "version": opening.version,
        "started": opening.time,
        "ended": report.ended,
        "complete": report.complete,
        "trials_planned": opening.trials,
        "repetitions": to_builtins(opening.repetitions) if opening.repetitions else None,
        "statuses": dict(report.statuses),
        "not_allowed": report.not_allowed,
        "benchmark": opening.benchmark,
        "programs": to_builtins(report.provenance.programs) if report.provenance else {},
        "headline": opening.headline,
        "metrics": [to_builtins(metric) for metric in opening.metrics],
        "factors": list(report.factors),
        "environments": dict(report.environments),
        "labels": dict(report.labels),
        "kernels": dict(report.kernels),
        "interval_methods": METHODS,
        "compare": to_builtins(opening.compare) if opening.compare else None,
        "breakdown": to_builtins(opening.breakdown) if opening.breakdown else None,
        "cells": [
            _cell(report, cell, speedup, precise)
            for cell, speedup, precise in zip_longest(report.cells, report.speedups, report.precise)
        ],
        "diagnostics": {
            "methods": METHODS_OF_FINDINGS,
            "findings": [to_builtins(finding) for finding in report.findings],
        },
        "reasons": [to_builtins(reason) for reason in report.reasons],
        "attempts": [to_builtins(reason) for reason in report.attempts],
        "damage": list(report.damage),
        "unchecked": list(report.opening.unchecked),
    }


def _cell(report: Report, cell: CellSummary, speedup: Speedup | None, precise: bool | None) -> dict[str, Any]:
    return {
        "cell": cell.cell,
        "factors": dict(cell.factors),
        "environment": cell.environment,
        "label": cell.label,
        "kernel_hash": report.kernel_hashes.get(cell.factors.get("kernel", ""), ""),
        "n": cell.n,
        "precise": precise,
        "statuses": dict(cell.statuses),
        "metrics": {estimate.metric: _estimate(estimate) for estimate in cell.estimates},
        "verification": to_builtins(cell.verification) if cell.verification else None,
        "speedup": to_builtins(speedup) if speedup else None,
    }


def _estimate(estimate: Estimate) -> dict[str, Any]:
    return {
        "unit": estimate.unit,
        "n": estimate.n,
        "median": estimate.median,
        "spread": to_builtins(estimate.spread),
        "min": estimate.minimum,
        "max": estimate.maximum,
        "boots": estimate.boots,
        "interval": to_builtins(estimate.interval) if estimate.interval else None,
        "no_interval": estimate.no_interval,
    }
