"""The table of single trials, limited to a number that a page can sort quickly."""

from __future__ import annotations

from msgspec import Struct

from orchestrator.report import text
from orchestrator.report.model import Report
from orchestrator.report.tables import cell_name
from orchestrator.results.store import TrialRow

ROWS = 1000
"""Most trials listed; trials that are not ok go first."""


class Listing(Struct, frozen=True):
    """A table of trials; ``left_out`` is a note on omitted trials, empty if there are none."""

    headings: tuple[str, ...]
    alignment: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    left_out: str


def listing(report: Report) -> Listing:
    """Return the trials of a run as a table, in the order of the journal."""
    metrics = [metric.name for metric in report.shown]
    names = {cell.cell: cell_name(report, cell) for cell in report.cells}
    boots = {boot: str(number) for number, boot in enumerate(dict.fromkeys(b.boot for b in report.blocks), 1)}
    not_ok: list[tuple[int, TrialRow]] = []
    ok: list[tuple[int, TrialRow]] = []
    total = 0
    for position, trial in enumerate(report.read_trials(metrics)):
        total += 1
        kept = ok if trial.status == "ok" else not_ok
        if len(kept) < ROWS:
            kept.append((position, trial))
    chosen = sorted([*not_ok, *ok][:ROWS], key=lambda pair: pair[0])
    return Listing(
        headings=("trial", "cell", "boot", "status", *(f"{m.name}, {m.unit}" for m in report.shown), "start", "reason"),
        alignment=("left", "left", "right", "left", *("right" for _ in metrics), "left", "left"),
        rows=tuple(_row(trial, metrics, names, boots) for _, trial in chosen),
        left_out="" if total <= ROWS else (
            f"{ROWS} of {total} records are listed, all that are not ok if possible; the journal and "
            "--format parquet have all."
        ),
    )  # fmt: skip


def _row(
    trial: TrialRow, metrics: list[str], names: dict[str, str], boots: dict[str, str]
) -> tuple[str, ...]:
    values = (trial.metrics.get(metric) for metric in metrics)
    return (
        trial.id,
        names.get(trial.cell, trial.cell),
        boots.get(trial.boot, text.NOTHING),
        trial.status if trial.final else f"{trial.status}, repeated",
        *(text.NOTHING if value is None else text.number(value) for value in values),
        trial.started or text.NOTHING,
        text.plain(trial.reason) or text.NOTHING,
    )
