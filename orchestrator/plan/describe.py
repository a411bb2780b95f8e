"""A plan as a person or a program reads it."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any

from orchestrator.plan.plan import Plan
from orchestrator.units import plural

CELLS_SHOWN = 40


def table(plan: Plan) -> str:
    """Return the first :data:`CELLS_SHOWN` cells as a table, one row a cell, and say how many are left out."""
    from tabulate import tabulate

    cells = list(islice(plan.cells(), CELLS_SHOWN))
    names = list(cells[0].levels) if cells else []
    kernels = "kernel" not in names and len({cell.kernel for cell in cells}) > 1
    header = ["cell", *(["kernel"] if kernels else []), *names, "command"]
    rows = [
        [
            cell.id,
            *([cell.kernel] if kernels else []),
            *(cell.levels[name].text for name in names),
            " ".join(cell.argv),
        ]
        for cell in cells
    ]
    left_out = plan.cell_count - len(cells)
    more = f"\n… and {plural(left_out, 'more cell')} (--format jsonl shows all)" if left_out > 0 else ""
    return tabulate(rows, header, disable_numparse=True) + more


def documents(plan: Plan) -> Iterator[dict[str, Any]]:
    """Yield the plan as JSON objects: first its size, then each block, followed by its trials in their order."""
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
