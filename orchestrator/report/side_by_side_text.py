"""Runs side by side in words, for all formats for people."""

from __future__ import annotations

from collections.abc import Iterator

from orchestrator.analysis.summary import CellSummary
from orchestrator.report import text
from orchestrator.report.side_by_side import Cell, SideBySide
from orchestrator.report.tables import Column, Table
from orchestrator.results.records import MetricInfo
from orchestrator.units import plural

HOW = "Figures are medians with their interval, or ± their spread; orchestrate report RUN says how each was made."
VERDICTS = "Differences are not judged here: orchestrate compare BASELINE NEW judges those of two runs."


def title(runs: SideBySide) -> str:
    """Return one line with the number of runs and cells."""
    return f"{plural(len(runs.columns), 'run')} side by side, {plural(len(runs.cells), 'cell')}"


def tables(runs: SideBySide) -> Iterator[Table]:
    """Yield a table for each metric: the cells, a column for each run, the numbers of trials and boots."""
    names = list(_names(runs))
    for metric in runs.metrics:
        caption = ", ".join(filter(None, [metric.name, metric.unit]))
        figures = (
            Column(
                column.letter,
                tuple(_figure(cell.found[index], metric) for cell in runs.cells),
                "right",
            )
            for index, column in enumerate(runs.columns)
        )
        counts = tuple(_counts(cell, metric) for cell in runs.cells)
        yield Table(text.plain(caption), (*names, *figures, Column("n (boots)", counts)))


def key(runs: SideBySide) -> Iterator[str]:
    """Yield one line for each run: its letter, and what it is."""
    for column in runs.columns:
        yield text.plain(
            f"{column.letter}: run {column.run}, {column.experiment}, {column.ok} of {column.planned} trials ok"
        )


def notes(runs: SideBySide) -> Iterator[str]:
    """Yield what all rows share, what differs between the runs, environments, and how to read the figures."""
    constant = dict(_constant(runs))
    if constant:
        words = ", ".join(f"{name} = {level}" for name, level in constant.items())
        yield text.plain(f"In every row: {words}.", 1000)
    if not runs.differences:
        yield "The runs do not differ in content hash, environment, kernel or program."
    for name, values in runs.differences.items():
        yield f"Differs: {name}: {_by_value(runs, values)}."
    yield from runs.notes
    for environment, words in runs.environments.items():
        yield f"{text.plain(environment)}: {words}"
    yield HOW
    yield VERDICTS


def _names(runs: SideBySide) -> Iterator[Column]:
    constant = dict(_constant(runs))
    for name in runs.factors:
        if name not in constant:
            words = tuple(text.plain(cell.factors.get(name, text.NOTHING)) for cell in runs.cells)
            yield Column(text.plain(name), words, key=True)
    if len({cell.environment for cell in runs.cells}) > 1:
        yield Column(
            "environment",
            tuple(text.plain(cell.environment) or text.NOTHING for cell in runs.cells),
            key=True,
        )


def _constant(runs: SideBySide) -> Iterator[tuple[str, str]]:
    """Yield factors with the same level in each of several rows."""
    if len(runs.cells) < 2:
        return
    for name in runs.factors:
        levels = {cell.factors.get(name) for cell in runs.cells}
        if len(levels) == 1 and (level := levels.pop()) is not None:
            yield name, level


def _figure(cell: CellSummary | None, metric: MetricInfo) -> str:
    """Return the figure of a cell; why there is none if the cell ran; a dash if the run has no such cell."""
    if cell is None:
        return text.NOTHING
    estimate = cell.estimate(metric.name)
    if estimate is None:
        return text.not_ok(cell.statuses) or text.NOTHING
    return text.plain(text.estimate(estimate) + (f" [{cell.label}]" if cell.label else ""))


def _counts(cell: Cell, metric: MetricInfo) -> str:
    """Return numbers of trials and boots of all runs; those that all share are given once."""
    words = []
    for found in cell.found:
        estimate = found.estimate(metric.name) if found else None
        words.append(f"{estimate.n} ({estimate.boots})" if estimate else text.NOTHING)
    return " / ".join(words if len(set(words)) > 1 else words[:1])


def _by_value(runs: SideBySide, values: tuple[str, ...]) -> str:
    letters: dict[str, list[str]] = {}
    for column, value in zip(runs.columns, values, strict=True):
        letters.setdefault(value, []).append(column.letter)
    return "; ".join(f"{value} in {' and '.join(of)}" for value, of in letters.items())
