"""JSON for programs: one document, versioned, one object per cell."""

from __future__ import annotations

import json
from typing import Any

from msgspec import to_builtins

from orchestrator.analysis.summary import CellSummary
from orchestrator.report.side_by_side import SideBySide

FORMAT = 1


def render(runs: SideBySide) -> str:
    """Return the runs as a JSON document of format :data:`FORMAT`; docs/results.md describes it."""
    document = {
        "format": FORMAT,
        "type": "runs",
        "runs": [to_builtins(column) for column in runs.columns],
        "metrics": [to_builtins(metric) for metric in runs.metrics],
        "factors": list(runs.factors),
        "environments": dict(runs.environments),
        "differences": {name: list(values) for name, values in runs.differences.items()},
        "notes": list(runs.notes),
        "cells": [
            {
                "factors": dict(cell.factors),
                "environment": cell.environment,
                "runs": [_cell(found) for found in cell.found],
            }
            for cell in runs.cells
        ],
    }
    return json.dumps(document, indent=2, allow_nan=False) + "\n"


def _cell(cell: CellSummary | None) -> dict[str, Any] | None:
    if cell is None:
        return None
    return {
        "cell": cell.cell,
        "kernel": cell.factors.get("kernel", ""),
        "label": cell.label,
        "statuses": dict(cell.statuses),
        "metrics": {figure.metric: to_builtins(figure) for figure in cell.estimates},
    }
