"""Print a plan as a table or as JSON."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any

from msgspec import json

from orchestrator.plan.estimate import Estimate
from orchestrator.plan.plan import Plan
from orchestrator.units import format_duration, plural

MAX_CELLS_SHOWN = 40
LINES_AT_ONCE = 500


def table(plan: Plan) -> str:
    """Return a table of the first :data:`MAX_CELLS_SHOWN` cells and the number of further cells."""
    from tabulate import tabulate

    cells = list(islice(plan.cells(), MAX_CELLS_SHOWN))
    names = list(cells[0].levels) if cells else []
    show_kernel = "kernel" not in names and len({cell.kernel for cell in cells}) > 1
    header = ["cell", *(["kernel"] if show_kernel else []), *names, "command"]
    rows = [
        [
            cell.id,
            *([cell.kernel] if show_kernel else []),
            *(cell.levels[name].text for name in names),
            " ".join(cell.argv),
        ]
        for cell in cells
    ]
    further = plan.cell_count - len(cells)
    more = f"\n... and {plural(further, 'more cell')} (--format jsonl prints all)" if further > 0 else ""
    return tabulate(rows, header, disable_numparse=True) + more


def summary(plan: Plan, provider: str, estimate: Estimate) -> str:
    """Return one line with the numbers of cells, trials and boots and the estimated time; one more on the clock."""
    at_most = "at most " if plan.may_end_early() else ""
    return (
        f"{plural(plan.cell_count, 'cell')}, {at_most}{plural(plan.trial_count, 'trial')}, "
        f"{plural(plan.block_count, 'boot')} on {provider}; "
        f"about {format_duration(estimate.seconds)}{' of wall time' if estimate.clock else ''} ({estimate.basis})"
    ) + (f"\n{estimate.clock}" if estimate.clock else "")


def json_lines(plan: Plan) -> Iterator[bytes]:
    """Yield the plan as JSON lines, many at once: the totals, then each block followed by its trials in order."""
    lines = map(json.encode, _documents(plan))
    while some := list(islice(lines, LINES_AT_ONCE)):
        yield b"\n".join(some) + b"\n"


def _documents(plan: Plan) -> Iterator[dict[str, Any]]:
    yield {
        "type": "plan",
        "format": 1,
        "experiment": plan.experiment.name,
        "content_hash": plan.experiment.content_hash,
        "seed": plan.experiment.order.seed,
        "cells": plan.cell_count,
        "trials": plan.trial_count,
        "may_end_early": plan.may_end_early(),
        "boots": plan.block_count,
    }
    for block in plan.blocks():
        yield {
            "type": "block",
            "block": block.index,
            "kernel": block.kernel,
            "boot": block.boot,
            "trials": plan.trials_in(block),
        }
        for trial in plan.trials(block):
            yield {
                "type": "trial",
                "block": block.index,
                "trial": trial.id,
                "cell": trial.cell.id,
                "repetition": trial.repetition,
                "factors": {name: level.text for name, level in trial.cell.levels.items()},
                "argv": list(trial.cell.argv),
                "settings": {setting.path: setting.value for setting in trial.cell.settings},
            }
