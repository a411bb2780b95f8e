"""The trials that a run has not finished."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterator

from orchestrator.execution.run import Run
from orchestrator.units import plural

log = logging.getLogger(__name__)

MAX_CELLS_SHOWN = 20


def missing(run: Run) -> Iterator[str]:
    """Yield the cells with missing trials: some for the user's eyes, all for the log."""
    cells: Counter[str] = Counter()
    for block in run.plan.blocks():
        for trial in run.pending(block):
            cells[", ".join(f"{key}={level.text}" for key, level in trial.cell.levels.items())] += 1
    if not cells:
        return
    lines = [f"missing: {cell or 'the only cell'}: {plural(count, 'trial')}" for cell, count in cells.items()]
    for line in lines:
        log.info("%s", line)
    yield (
        f"incomplete: {cells.total()} of {run.plan.trial_count} trials are missing, in "
        f"{plural(len(cells), 'cell')}"
    )
    yield from lines[:MAX_CELLS_SHOWN]
    if len(lines) > MAX_CELLS_SHOWN:
        yield f"missing: {plural(len(lines) - MAX_CELLS_SHOWN, 'more cell')}; see {run.folder}/orchestrate.log"
