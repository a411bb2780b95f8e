"""The conclusion of a report in a few plain sentences: the most notable result, and what could not be judged."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from orchestrator.analysis.speedup import Speedup
from orchestrator.analysis.summary import CellSummary, Estimate
from orchestrator.analysis.verdicts import meaningless
from orchestrator.report import tables, text
from orchestrator.report.model import Report
from orchestrator.units import plural

FEW = 6
"""Up to so many speed-ups have a sentence each."""


def sentences(report: Report) -> list[str]:
    """Return the conclusion: of the speed-ups if the experiment compares, else of the headline metric."""
    conclusion = [*(_speedups(report) if report.speedups else _range(report))]
    if message := meaningless(list(report.environments)):
        conclusion.append(f"{message[0].upper()}{message[1:]}.")
    return [text.plain(sentence, 400) for sentence in conclusion]


def _speedups(report: Report) -> Iterator[str]:
    compare = report.opening.compare
    assert compare is not None
    rows = [
        (cell, speedup)
        for cell, speedup in zip(report.cells, report.speedups, strict=True)
        if not tables.is_baseline(cell, speedup)
    ]
    known = sorted(
        ((cell, speedup, speedup.ratio) for cell, speedup in rows if speedup.ratio is not None),
        key=lambda row: row[2],
    )
    baseline = ", ".join(f"{name} {level}" for name, level in compare.baseline.items())
    if 0 < len(known) <= FEW:
        for cell, speedup, _ in reversed(known):
            words = f"{_ratio(speedup).rstrip(',')}{_published(speedup)}"
            yield f"{tables.cell_name(report, cell)} over {baseline}: speed-up {words}."
    elif known:
        cell, speedup, ratio = known[-1]
        what = "Largest speed-up" if ratio > 1 else "No cell is faster than the baseline; largest speed-up"
        yield f"{what} over {baseline}: {_ratio(speedup)} for {tables.cell_name(report, cell)}{_published(speedup)}."
        cell, speedup, ratio = known[0]
        if len(known) > 1 and ratio < 1:
            yield f"Smallest: {_ratio(speedup)} for {tables.cell_name(report, cell)}."
    else:
        yield f"No cell has a speed-up over {baseline}."
    yield from _not_judged(rows)


def _ratio(speedup: Speedup) -> str:
    interval = speedup.interval
    words = text.ratio(speedup.ratio, interval)
    if interval is not None:
        words += f" ({interval.confidence * 100:g} % interval)"
        words += ", not distinguishable from 1," if interval.low <= 1 <= interval.high else ""
    return words + (", modelled," if speedup.modelled else "")


def _published(speedup: Speedup) -> str:
    return "" if speedup.published is None else f" (published: {text.ratio(speedup.published)})"


def _not_judged(rows: list[tuple[CellSummary, Speedup]]) -> Iterator[str]:
    missing = Counter(speedup.reason for _, speedup in rows if speedup.ratio is None)
    if missing:
        yield f"Not judged: {missing.total()} of {plural(len(rows), 'cell')} ({'; '.join(missing)})."
    no_interval = Counter(speedup.no_interval for _, speedup in rows if speedup.no_interval)
    if no_interval:
        (reason, _), *_ = no_interval.most_common(1)
        yield f"Without an interval: {no_interval.total()} of {plural(len(rows), 'speed-up')} ({reason})."


def _range(report: Report) -> Iterator[str]:
    metric = report.shown[0] if report.shown else None
    rows: list[tuple[CellSummary, Estimate]] = [
        (cell, estimate)
        for cell in report.cells
        if metric and (estimate := cell.estimate(metric.name)) is not None
    ]
    if metric is None or not rows:
        yield "No trial has a figure."
        return
    rows.sort(key=lambda row: row[1].median)
    (low_cell, low), (high_cell, high) = rows[0], rows[-1]
    if len(rows) == 1:
        yield f"{metric.name}: {text.estimate(low)} {metric.unit}."
    else:
        yield (
            f"{metric.name} ranges from {text.number(low.median)} {metric.unit} ({tables.cell_name(report, low_cell)}) "
            f"to {text.number(high.median)} {metric.unit} ({tables.cell_name(report, high_cell)})."
        )
    if missing := len(report.cells) - len(rows):
        yield f"No {metric.name}: {missing} of {plural(len(report.cells), 'cell')}."
