"""The tables that the forms for readers have in common."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from orchestrator.analysis.phases import Phases
from orchestrator.analysis.speedup import Speedup
from orchestrator.analysis.summary import CellSummary
from orchestrator.report import text
from orchestrator.report.model import Report
from orchestrator.results.records import MetricInfo

BASELINE = "baseline"
LABEL = "label"
"""Heading of the column that says what figures are where the levels alone would mislead."""
MODELLED = "m"
"""Marks a modelled figure among measured ones."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its heading, its words from top to bottom, on which side they stand; ``key``: they name the rows."""

    heading: str
    words: tuple[str, ...]
    align: Literal["left", "right"] = "left"
    key: bool = False

    @property
    def only(self) -> str | None:
        """The word that all of several rows have; None where they differ or there is one row alone."""
        return self.words[0] if len(self.words) > 1 and len(set(self.words)) == 1 else None


@dataclass(frozen=True, slots=True)
class Table:
    """Columns of equal length, and a line above them; the report's main table needs none."""

    caption: str
    columns: tuple[Column, ...]

    @property
    def headings(self) -> list[str]:
        """The heading of each column."""
        return [column.heading for column in self.columns]

    @property
    def alignment(self) -> list[str]:
        """``left`` or ``right`` for each column."""
        return [column.align for column in self.columns]

    @property
    def rows(self) -> list[list[str]]:
        """The words row by row."""
        return [list(row) for row in zip(*(column.words for column in self.columns), strict=True)]


def tables(report: Report) -> Iterator[Table]:
    """Yield the tables of a report: cells with their figures, then what one of the metrics consists of."""
    yield Table("", (*_identity(report, report.cells), *_figures(report), *_circumstances(report)))
    if report.phases:
        yield _phases(report)


def environment(report: Report) -> str | None:
    """Return the environment that all of several rows share and that therefore has no column."""
    return _environment(report).only


def verified(report: Report) -> str | None:
    """Return what was verified alike in all rows that have figures, and therefore has no column."""
    found = {text.verification(cell.verification, cell.n, counts=False) for cell in report.cells if cell.n}
    return found.pop() if len(report.cells) > 1 and len(found) == 1 else None


def is_baseline(cell: CellSummary, found: Speedup) -> bool:
    """Whether a cell is what others are set against."""
    return found.baseline == cell.cell


def _identity(report: Report, cells: Sequence[CellSummary]) -> Iterator[Column]:
    """What tells the rows apart."""
    for name in report.varying():
        words = tuple(text.plain(cell.factors.get(name, text.NOTHING)) for cell in cells)
        yield Column(text.plain(name), words, key=True)
    if any(cell.label for cell in cells):
        yield Column(LABEL, tuple(text.plain(cell.label) or text.NOTHING for cell in cells), key=True)


def _figures(report: Report) -> Iterator[Column]:
    yield Column("n", tuple(str(cell.n) for cell in report.cells), "right")
    for metric in report.shown:
        words = (text.estimate(cell.estimate(metric.name)) for cell in report.cells)
        yield Column(_with_unit(metric), tuple(words), "right")
    if report.speedups:
        yield _speedups(report)
    if report.opening.compare and report.opening.compare.published:
        yield Column("published", tuple(text.ratio(found.published) for found in report.speedups), "right")


def _speedups(report: Report) -> Column:
    pairs = zip(report.cells, report.speedups, strict=True)
    kinds = {
        found.modelled for cell, found in pairs if found.ratio is not None and not is_baseline(cell, found)
    }
    heading, mark = _marked("speed-up", kinds)

    def word(cell: CellSummary, found: Speedup) -> str:
        if found.ratio is not None and is_baseline(cell, found):
            return BASELINE
        return text.ratio(found.ratio, found.interval) + mark * found.modelled

    return Column(heading, tuple(map(word, report.cells, report.speedups)), "right")


def _circumstances(report: Report) -> Iterator[Column]:
    """Columns that are left out where they would say the same in every row."""
    if environment(report) is None:
        yield _environment(report)
    if verified(report) is None:
        yield Column("verified", tuple(text.verification(cell.verification, cell.n) for cell in report.cells))
    not_ok = Column("not ok", tuple(text.not_ok(cell.statuses) or text.NOTHING for cell in report.cells))
    if not_ok.only != text.NOTHING:
        yield not_ok


def _environment(report: Report) -> Column:
    return Column("environment", tuple(text.plain(cell.environment) or text.NOTHING for cell in report.cells))


def _phases(report: Report) -> Table:
    breakdown = report.opening.breakdown
    assert breakdown is not None
    known = {metric.name: metric for metric in report.opening.metrics}
    total = known.get(breakdown.total, MetricInfo(breakdown.total, ""))
    rows = [found for _, found in report.phases]
    cells = [cell for cell, _ in report.phases]
    columns = list(_identity(report, cells))
    if environment(report) is None:
        columns.append(Column("environment", tuple(text.plain(cell.environment) for cell in cells)))
    columns.append(_median("total", [found.total for found in rows], rows))
    columns += [_median(word, [found.phases[word] for found in rows], rows) for word in breakdown.phases]
    columns.append(_median("rest", [found.rest for found in rows], rows))
    columns += [
        _median(name, [found.beside[name] for found in rows], rows, text.count) for name in breakdown.beside
    ]
    marked = any(word.endswith(f" {MODELLED}") for column in columns for word in column.words)
    mark = f"; {MODELLED}: modelled" if marked else ""
    return Table(f"{_with_unit(total)}, and what it consists of (medians{mark}):", tuple(columns))


def _median(
    word: str,
    values: Sequence[float | None],
    rows: Sequence[Phases],
    written: Callable[[float], str] = text.number,
) -> Column:
    known = [(value, word in row.modelled) for value, row in zip(values, rows, strict=True)]
    heading, note = _marked(text.plain(word), {modelled for value, modelled in known if value is not None})
    words = (text.NOTHING if value is None else written(value) + note * modelled for value, modelled in known)
    return Column(heading, tuple(words), "right")


def _marked(heading: str, kinds: set[bool]) -> tuple[str, str]:
    """Return a heading, and what marks single figures below it, of a column that has these kinds of figures."""
    return (f"{heading}, modelled", "") if kinds == {True} else (heading, f" {MODELLED}")


def _with_unit(metric: MetricInfo) -> str:
    return text.plain(f"{metric.name}, {metric.unit}" if metric.unit else metric.name)
