"""Plain text for a terminal or a pipe: lines of at most :data:`WIDTH` columns, or as many as the terminal has."""

from __future__ import annotations

import shutil
import textwrap
from collections.abc import Iterator, Sequence

from orchestrator.analysis.comparison import Row
from orchestrator.report import comparison_text, layout, plain_text
from orchestrator.report.comparison import ComparisonReport
from orchestrator.report.tables import Column
from orchestrator.report.text import NOTHING
from orchestrator.terminal import shell_words

WIDTH = 100
"""Columns of a pipe, a file or a terminal that has fewer; ``COLUMNS`` and a wide terminal give more."""
_GAP = 2
_NAME = 24
"""Columns for the names of cells, for which intervals and numbers of trials get a line of their own."""
_SHORTEST_NAME = 8
_VERDICT = 13


def render(compared: ComparisonReport) -> str:
    """Return the comparison as plain text. What a verdict does not say is in lines below its row."""
    width = max(WIDTH, shutil.get_terminal_size((WIDTH, 1)).columns)
    parts = [_wrapped(comparison_text.title(compared), width)]
    caption = comparison_text.only_metric(compared)
    parts.append("\n".join([*([f"{caption}:", ""] if caption else []), *_table(compared, width)]))
    parts.append("\n".join(_wrapped(note, width) for note in comparison_text.notes(compared)))
    for sentence, commands in comparison_text.remedies(compared):
        lines = [plain_text.command(shell_words(command), width) for command in commands]
        parts.append("\n".join([textwrap.fill(sentence, width), *lines]))
    excluded = comparison_text.excluded(compared)
    if excluded:
        lines = [_wrapped(line, width, "  ") for line in excluded]
        parts.append("\n".join(["Not in any figure:", *lines]))
    return "\n\n".join(parts) + "\n"


def _wrapped(text: str, width: int, indent: str = "") -> str:
    return textwrap.fill(
        text, width, initial_indent=indent, subsequent_indent=f"{indent}  ", break_on_hyphens=False
    )


def _table(compared: ComparisonReport, width: int) -> Iterator[str]:
    """Yield the lines of the table, each row followed by the lines that explain its verdict."""
    columns = _fitted(_columns(compared), width)
    rows = list(zip(*(column.words for column in columns), strict=True))
    text = layout.simple([column.heading for column in columns], rows, [column.align for column in columns])
    lines = iter(text.splitlines())
    for _ in range(max(column.heading.count("\n") for column in columns) + 2):
        yield next(lines)
    for row, words in zip(compared.rows, rows, strict=True):
        for _ in range(max(word.count("\n") for word in words) + 1):
            yield next(lines)
        if why := _why(row):
            yield textwrap.fill(
                why, width, initial_indent="    ", subsequent_indent="      ", break_on_hyphens=False
            )


def _why(row: Row) -> str:
    return "; ".join(filter(None, [row.reason, row.note]))


def _columns(compared: ComparisonReport) -> list[Column]:
    """Return the columns; intervals are below their ratios, numbers that both sides share are given once."""
    table = comparison_text.table(compared)
    name, metric, base, new, ratio, interval, p, n, _ = (list(column) for column in zip(*table, strict=True))
    verdicts = [comparison_text.short_verdict(row, compared.rules) for row in compared.rows]
    ratios = [f"{r}\n{i}" if i != NOTHING else r for r, i in zip(ratio, interval, strict=True)]
    counts = [" /\n".join(dict.fromkeys(words.split(" / "))) for words in n]
    one = comparison_text.only_metric(compared)
    return [
        Column("cell", tuple(name), key=True),
        *([] if one else [Column("metric", tuple(metric), key=True)]),
        Column("baseline", tuple(base), "right"),
        Column("new", tuple(new), "right"),
        Column("ratio\n[interval]", tuple(ratios)),
        Column("p", tuple(p), "right"),
        Column("n\n(boots)", tuple(counts)),
        Column("verdict", tuple(verdicts)),
    ]


def _fitted(columns: Sequence[Column], width: int) -> list[Column]:
    """Return columns that fit: words of two parts are in one line if the names then have enough room."""
    wide = [_joined(column) for column in columns]
    keys = [column for column in wide if column.key]
    for candidate in (wide, list(columns), [_narrow(column) for column in columns]):
        figures = [column for column in candidate if not column.key]
        room = width - sum(_width(column) + _GAP for column in figures) - _GAP * (len(keys) - 1)
        wanted = [min(_width(column), _NAME) for column in keys]
        if room >= sum(wanted):
            break
    first = max(room - sum(wanted[1:]), _SHORTEST_NAME) if len(keys) > 1 else max(room, _SHORTEST_NAME)
    sizes = [first, *(max(min(size, room - first), _SHORTEST_NAME) for size in wanted[1:])]
    folded = [
        Column(key.heading, tuple(_folded(word, size) for word in key.words), key=True)
        for key, size in zip(keys, sizes, strict=True)
    ]
    return [*folded, *figures]


def _folded(name: str, width: int) -> str:
    """Return the name of a row in lines, broken between its levels where that is enough."""
    lines = textwrap.wrap(name, width, subsequent_indent="  ", break_long_words=False, break_on_hyphens=False)
    return "\n".join(plain_text.fold(line, width) for line in lines)


def _joined(column: Column) -> Column:
    heading, *words = (word.replace("\n", " ") for word in (column.heading, *column.words))
    return Column(heading, tuple(words), column.align, column.key)


def _narrow(column: Column) -> Column:
    if column.heading != "verdict":
        return column
    words = tuple(plain_text.fold(word, _VERDICT) for word in column.words)
    return Column(column.heading, words, column.align)


def _width(column: Column) -> int:
    return max(len(line) for word in (column.heading, *column.words) for line in word.split("\n"))
