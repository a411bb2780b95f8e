"""The tables of a report, for all formats for people."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Literal

from msgspec import Struct

from orchestrator.analysis.phases import Phases
from orchestrator.analysis.points import MODE
from orchestrator.analysis.speedup import Speedup
from orchestrator.analysis.summary import CellSummary
from orchestrator.report import text
from orchestrator.report.model import Report
from orchestrator.results.records import MetricInfo

BASELINE = "baseline"
LABEL = "label"
"""Heading of the column with labels of figures, where the levels alone would mislead."""
MODELLED = "m"
"""Marks a modelled figure among measured ones."""


class Column(Struct, frozen=True):
    """One column: heading, words from top to bottom, alignment; ``key``: the words name the rows."""

    heading: str
    words: tuple[str, ...]
    align: Literal["left", "right"] = "left"
    key: bool = False

    @property
    def only(self) -> str | None:
        """The word that several rows share; None if rows differ or there is only one."""
        return self.words[0] if len(self.words) > 1 and len(set(self.words)) == 1 else None


class Table(Struct, frozen=True):
    """Columns of equal length, and a line above them; the main table has none."""

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
    """Yield the tables of a report: cells with their figures, then the breakdown of one metric."""
    yield Table("", (*_identity(report, report.cells), *_figures(report), *_conditions(report)))
    if report.phases:
        yield _phases(report)


def environment(report: Report) -> str | None:
    """Return the environment that several rows share, which has no column; None if there is none."""
    return _environment(report).only


def verified(report: Report) -> str | None:
    """Return the verification result that several rows share, which has no column; None if rows differ."""
    results = {text.verification(cell.verification, cell.n, counts=False) for cell in report.cells if cell.n}
    return results.pop() if len(report.cells) > 1 and len(results) == 1 else None


def is_baseline(cell: CellSummary, speedup: Speedup) -> bool:
    """Whether a cell is its own baseline."""
    return speedup.baseline == cell.cell


def cell_name(report: Report, cell: CellSummary) -> str:
    """Return the levels that distinguish a cell, its label, and its environment if the run has several."""
    levels = {name: cell.factors[name] for name in report.varying() if name in cell.factors}
    parts = [level if name == MODE else f"{name} {level}" for name, level in levels.items()]
    if cell.label:
        parts.append(f"[{cell.label}]")
    if len(report.environments) > 1:
        parts.append(cell.environment)
    return text.plain(", ".join(parts)) or "the only cell"


def _identity(report: Report, cells: Sequence[CellSummary]) -> Iterator[Column]:
    """Yield the columns that name the rows."""
    for name in report.varying():
        words = tuple(text.plain(cell.factors.get(name, text.NOTHING)) for cell in cells)
        yield Column(text.plain(name), words, key=True)
    if any(cell.label for cell in cells):
        yield Column(LABEL, tuple(text.plain(cell.label) or text.NOTHING for cell in cells), key=True)


def count_column(report: Report) -> str:
    """Return the name of the column of the numbers of trials. Two columns of one name could be taken for each other."""
    return "trials" if "n" in report.varying() else "n"


def _figures(report: Report) -> Iterator[Column]:
    yield Column(count_column(report), tuple(str(cell.n) for cell in report.cells), "right")
    for metric in report.shown:
        words = (text.estimate(cell.estimate(metric.name)) for cell in report.cells)
        yield Column(_with_unit(metric), tuple(words), "right")
    if report.speedups:
        yield _speedups(report)
    if report.opening.compare and report.opening.compare.published:
        yield Column(
            "published", tuple(text.ratio(speedup.published) for speedup in report.speedups), "right"
        )


def _speedups(report: Report) -> Column:
    pairs = zip(report.cells, report.speedups, strict=True)
    kinds = {
        speedup.modelled
        for cell, speedup in pairs
        if speedup.ratio is not None and not is_baseline(cell, speedup)
    }
    heading, mark = _marked("speed-up", kinds)

    def word(cell: CellSummary, speedup: Speedup) -> str:
        if speedup.ratio is not None and is_baseline(cell, speedup):
            return BASELINE
        return text.ratio(speedup.ratio, speedup.interval) + mark * speedup.modelled

    return Column(heading, tuple(map(word, report.cells, report.speedups)), "right")


def _conditions(report: Report) -> Iterator[Column]:
    """Yield the columns that are omitted if they are equal in every row."""
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
    rows = [phases for _, phases in report.phases]
    cells = [cell for cell, _ in report.phases]
    columns = list(_identity(report, cells))
    if environment(report) is None:
        columns.append(Column("environment", tuple(text.plain(cell.environment) for cell in cells)))
    columns.append(_median("total", [phases.total for phases in rows], rows))
    columns += [_median(word, [phases.phases[word] for phases in rows], rows) for word in breakdown.phases]
    columns.append(_median("rest", [phases.rest for phases in rows], rows))
    columns += [
        _median(name, [phases.beside[name] for phases in rows], rows, text.count) for name in breakdown.beside
    ]
    marked = any(word.endswith(f" {MODELLED}") for column in columns for word in column.words)
    mark = f"; {MODELLED}: modelled" if marked else ""
    return Table(f"Breakdown of {_with_unit(total)} (medians{mark}):", tuple(columns))


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
    """Return the heading and the mark of single figures, for a column with these kinds of figures."""
    return (f"{heading}, modelled", "") if kinds == {True} else (heading, f" {MODELLED}")


def _with_unit(metric: MetricInfo) -> str:
    return text.plain(f"{metric.name}, {metric.unit}" if metric.unit else metric.name)
