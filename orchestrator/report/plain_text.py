"""Plain text for mail: paragraphs and tables of at most :data:`WIDTH` columns, whatever the names are."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable, Iterator, Sequence

from orchestrator.report import layout
from orchestrator.report.tables import Column

WIDTH = 71
"""Less than 72 columns, so that text quoted twice stays under 80."""

_NAME = 20
"""Names of rows are folded to this width."""
_HEADING = 15
_GAP = 2
_INDENT = "  "
_BREAKS = re.compile(r"(?<=[+_,;./ -])")


def paragraph(text: str, indent: str = "") -> str:
    """Return text in lines; a word longer than a line is broken."""
    return textwrap.fill(text, WIDTH, initial_indent=indent, subsequent_indent=indent, break_on_hyphens=False)


def item(text: str, sign: str = "") -> str:
    """Return text as an item of a list, further lines indented."""
    return textwrap.fill(
        text, WIDTH, initial_indent=f"  {sign}", subsequent_indent="    ", break_on_hyphens=False
    )


def section(title: str, lines: Iterable[str]) -> str:
    """Return a title and the lines as items of a list; nothing if there are no lines."""
    items = [item(line, "- ") for line in lines]
    return "\n".join([paragraph(f"{title}:"), *items]) if items else ""


def command(words: Sequence[str], width: int = WIDTH) -> str:
    """Return a command for a shell in lines that a backslash continues; words, already quoted, are not broken."""
    lines = [_INDENT]
    for word in words:
        if lines[-1].strip() and len(lines[-1]) + len(word) + 2 * _GAP > width:
            lines[-1] += "\\"
            lines.append(_INDENT * 2)
        lines[-1] += f"{word} "
    return "\n".join(lines).rstrip()


def fold(word: str, width: int) -> str:
    """Return a word in lines of at most ``width``, broken after a separator such as ``+`` where there is one.

    >>> fold("exchange+parallel+concurrent", 20)
    'exchange+parallel+\n  concurrent'
    """
    lines = [""]
    for part in _BREAKS.split(word):
        if lines[-1].strip() and len(lines[-1]) + len(part.rstrip()) > width:
            lines.append(_INDENT)
        lines[-1] += part
        while len(lines[-1].rstrip()) > width:
            lines[-1:] = [lines[-1][:width], _INDENT + lines[-1][width:]]
    return "\n".join(line.rstrip() for line in lines)


def tables(columns: Sequence[Column]) -> Iterator[str]:
    """Yield the columns as one table or, if that is too wide, as several that each name their rows."""
    keys = [_folded(column, _NAME) for column in columns if column.key]
    figures = [_folded(column, _NAME) for column in columns if not column.key]
    available = WIDTH - sum(_width(column) + _GAP for column in keys)
    if available < max(map(_width, figures), default=0):
        yield from _numbered([c for c in columns if c.key], figures)
        return
    for group in _groups(figures, available):
        yield _table([*keys, *group])


def _numbered(keys: Sequence[Column], figures: Sequence[Column]) -> Iterator[str]:
    """Yield a list of the names of the rows, then tables that refer to rows by number; for very long names."""
    rows = zip(*(column.words for column in keys), strict=True)
    lines = []
    numbers = []
    for number, words in enumerate(rows, 1):
        name = ", ".join(f"{c.heading} {word}" for c, word in zip(keys, words, strict=True))
        lines.append(item(f"{number}: {name}"))
        numbers.append(str(number))
    yield "\n".join(lines)
    number_column = Column("row", tuple(numbers), "right", key=True)
    for group in _groups(figures, WIDTH - _width(number_column) - _GAP):
        if group:
            yield _table([number_column, *group])


def _groups(figures: Sequence[Column], width: int) -> Iterator[list[Column]]:
    group: list[Column] = []
    for column in figures:
        if group and sum(_width(c) + _GAP for c in (*group, column)) - _GAP > width:
            yield group
            group = []
        group.append(column)
    yield group


def _folded(column: Column, width: int) -> Column:
    words = tuple(word if column.align == "right" else fold(word, width) for word in column.words)
    heading = "\n".join(fold(part, _HEADING) for part in column.heading.split(", ", 1))
    return Column(heading, words, column.align, column.key)


def _width(column: Column) -> int:
    return max(len(line) for word in (column.heading, *column.words) for line in word.split("\n"))


def _table(columns: Sequence[Column]) -> str:
    rows = list(zip(*(column.words for column in columns), strict=True))
    return layout.simple([column.heading for column in columns], rows, [column.align for column in columns])
