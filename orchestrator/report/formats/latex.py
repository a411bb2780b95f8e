"""LaTeX tables with the rules of booktabs, for papers; they compile with pdflatex."""

from __future__ import annotations

import re
import textwrap
import unicodedata
from collections.abc import Iterator, Mapping, Sequence

from orchestrator.report import notes, plain_text, setup, text
from orchestrator.report.model import Report
from orchestrator.report.tables import Column, Table, tables
from orchestrator.terminal import command_line

_WIDTH = 110
"""Columns of the source."""
_COLUMN = 60
"""Characters of a row from which a table spans both columns of a paper."""
_HEADING = 13
"""Characters of a line of a heading."""

_ESCAPES: Mapping[str, str] = {
    "\\": r"\textbackslash{}",
    "^": r"\textasciicircum{}",
    "~": r"\textasciitilde{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    "`": "{`}",  # a ligature with ? or ! before it
    '"': "''",
    # At the start of a row, these would be arguments of the end of the row before.
    "[": "{[}",
    "]": "{]}",
    "*": "{*}",
    "±": r"\ensuremath{\pm}",
    "×": r"\ensuremath{\times}",
    "µ": r"\ensuremath{\mu}",
    "μ": r"\ensuremath{\mu}",
    "≤": r"\ensuremath{\le}",
    "≥": r"\ensuremath{\ge}",
    "→": r"\ensuremath{\rightarrow}",
    "…": r"\ldots{}",
    "–": "--",
    "—": "---",
    **{character: f"\\{character}" for character in "{}$&#%_"},
}
_ACCENTS = frozenset("\u0300\u0301\u0302\u0303\u0308\u030a\u030c\u0327")


def render(report: Report) -> str:
    """Return a ``table`` for each table of the report, with notes below it."""
    parts = ["\n".join(_comments(report))]
    made = list(tables(report)) if report.cells else []
    if not made:
        parts.append("% No trial has ended yet.")
    for number, table in enumerate(made, 1):
        parts.append("\n".join(_table(report, table, number)))
    return "\n\n".join(parts) + "\n"


def escape(words: str) -> str:
    """Return text for LaTeX. Characters that not every LaTeX knows become their number, such as ``[U+4E2D]``.

    >>> escape("page_size <4KiB>, 5 ± 1 %")
    'page\\\\_size \\\\textless{}4KiB\\\\textgreater{}, 5 \\\\ensuremath{\\\\pm} 1 \\\\%'
    """
    # Two hyphens in a row, as before the name of an option, would become a dash.
    return re.sub("-(?=-)", "-{}", "".join(map(_escaped, words)))


def _escaped(character: str) -> str:
    if character in _ESCAPES:
        return _ESCAPES[character]
    if character.isascii():
        return character
    parts = unicodedata.normalize("NFD", character)
    known = len(parts) == 2 and parts[0].isascii() and parts[0].isalpha() and parts[1] in _ACCENTS
    return character if known else f"{{[}}U+{ord(character):04X}{{]}}"


def _comments(report: Report) -> Iterator[str]:
    """Yield what the tables were made of and by, which is not printed."""
    opening = report.opening
    metrics = [word for metric in report.shown for word in ("--metric", metric.name)]
    command = ["orchestrate", "report", opening.run, "--format", "latex", *metrics]
    yield f"% run {text.plain(opening.run)}, content hash {text.plain(opening.content_hash)}"
    yield f"% made by orchestrate {text.plain(opening.version)}: {command_line(command)}"
    if report.provenance:
        yield f"% run by: {command_line(report.provenance.command_line)}"
    yield r"% needs \usepackage{booktabs}"


def _table(report: Report, table: Table, number: int) -> Iterator[str]:
    name = re.sub("[^a-z0-9]+", "-", report.opening.experiment.lower()).strip("-")
    float_name = "table*" if _width(table.columns) > _COLUMN else "table"
    yield rf"\begin{{{float_name}}}"
    yield r"\centering"
    yield rf"\caption{{{escape(_caption(report, table))}}}"
    yield rf"\label{{tab:{name}{f'-{number}' if number > 1 else ''}}}"
    yield r"\par\smallskip"
    yield r"\footnotesize\setlength{\tabcolsep}{4pt}"
    yield rf"\begin{{tabular}}{{@{{}}{''.join(column.align[0] for column in table.columns)}@{{}}}}"
    yield r"\toprule"
    yield from _headings(table.columns)
    yield r"\midrule"
    for row in table.rows:
        yield _row(["--" if word == text.NOTHING else escape(word) for word in row])
    yield r"\bottomrule"
    yield r"\end{tabular}"
    # The second table is of the same trials.
    said = [*_notes(report)] if number == 1 else [*notes.unchecked(report)]
    if said:
        yield r"\par\smallskip"
        yield r"\parbox{\linewidth}{\footnotesize"
        for note in said:
            yield from textwrap.wrap(escape(note), _WIDTH, break_long_words=False, break_on_hyphens=False)
        yield "}"
    yield rf"\end{{{float_name}}}"


def _caption(report: Report, table: Table) -> str:
    opening = report.opening
    count = text.progress(report.statuses, opening.trials)
    state = "" if report.complete else f" Not complete: {count}."
    if table.caption:
        return f"{text.plain(opening.experiment)}: {table.caption.rstrip(':')}.{state}"
    return text.sentence(text.plain(setup.description(report) or opening.experiment)) + state


def _headings(columns: Sequence[Column]) -> Iterator[str]:
    """Yield the headings in lines that are level at the bottom; units are in the last one."""
    heads = [_heading(column) for column in columns]
    most = max(map(len, heads))
    for line in zip(*([""] * (most - len(head)) + head for head in heads), strict=True):
        yield _row(list(map(escape, line)))


def _heading(column: Column) -> list[str]:
    name, _, unit = column.heading.partition(", ")
    return [*plain_text.fold(name, _HEADING).split("\n"), *([f"({unit})"] if unit else [])]


def _width(columns: Sequence[Column]) -> int:
    return sum(max(map(len, [*column.words, *_heading(column)])) + 2 for column in columns)


def _row(words: list[str]) -> str:
    return " & ".join(words) + r" \\"


def _notes(report: Report) -> Iterator[str]:
    yield from notes.damage(report)
    yield from notes.rows(report)
    yield from notes.figures(report)
    yield from notes.comparison(report)
    yield from notes.labels(report)
    yield from notes.environments(report)
