"""Plain text under 72 columns, for the cover letter of a patch series."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from orchestrator.experiment.model import Status
from orchestrator.report import notes, tables, text
from orchestrator.report import plain_text as letter
from orchestrator.report import setup as circumstances
from orchestrator.report.model import Report
from orchestrator.report.tables import LABEL, Column, Table


def render(report: Report) -> str:
    """Return the report as text for a mail: where it was made and how, the figures, how to read them."""
    marks = {label: f"[{number}]" for number, label in enumerate(report.labels, 1)}
    parts = [letter.paragraph(_title(report)), *map(letter.paragraph, notes.environments(report))]
    parts.append(_section("Machine", _pairs(_machine(report))))
    for name, told in circumstances.kernels(report).items():
        parts.append(_section(f"Kernel {text.plain(name)}", _pairs(told.items())))
    parts.append(_section("Settings, as read back", _pairs(circumstances.settings(report).items())))
    method = [*notes.figures(report), *notes.rows(report), *notes.meanings(report)]
    parts.append(_section("Method", method))
    for table in tables.tables(report) if report.cells else ():
        parts += [letter.paragraph(table.caption), *letter.tables(_marked(table, marks))]
    footnotes = (f"{mark} {note}" for mark, note in zip(marks.values(), notes.labels(report), strict=True))
    parts.append("\n".join(map(letter.paragraph, footnotes)))
    parts.append(_section("How to read it", notes.comparison(report)))
    parts.append(_section("Look at", notes.findings(report)))
    parts.append(_section("Excluded", _excluded(report)))
    parts.append(_section("Experiment", _pairs(_experiment(report))))
    return "\n\n".join(part for part in parts if part) + "\n"


def _title(report: Report) -> str:
    opening = report.opening
    told = text.plain(circumstances.description(report) or opening.experiment)
    count = text.progress(report.statuses, opening.trials)
    state = "" if report.complete else f" Not complete: {count}."
    return f"{text.sentence(told)}{state}"


def _marked(table: Table, marks: dict[str, str]) -> list[Column]:
    """Columns with a footnote's mark at the name of each row that has a label; the footnotes say what labels mean."""
    labels = next((column.words for column in table.columns if column.heading == LABEL), None)
    columns = [column for column in table.columns if column.heading != LABEL]
    if labels is None or not columns or not columns[0].key or not set(labels) <= {*marks, text.NOTHING}:
        return list(table.columns)
    first = columns[0]
    words = (
        f"{word} {marks[label]}" if label in marks else word
        for word, label in zip(first.words, labels, strict=True)
    )
    return [replace(first, words=tuple(words)), *columns[1:]]


def _excluded(report: Report) -> Iterator[str]:
    run = report.trial_count - report.unneeded
    left = run - report.statuses.get(Status.OK, 0)
    if not run:
        yield "No trial has run."
    else:
        yield f"{left} of {run} trials." if left else f"No trial; all {run} are in the figures."
    if report.unneeded:
        yield f"{report.unneeded} more were planned and not run, as what they are repetitions of was known well enough."
    yield from notes.reasons(report)


def _machine(report: Report) -> Iterator[tuple[str, str]]:
    for place in circumstances.places(report):
        yield (
            text.plain(f"{place.host}, {place.environment}"),
            text.plain(place.line or "not told", notes.LONGEST_NOTE),
        )
        if place.distances:
            yield "distances between nodes", place.distances
        if place.governors:
            yield "frequency governors", text.plain(place.governors)
    lines = circumstances.command_lines(report)
    for whose, line in lines:
        which = f" of {text.plain(whose)}" if len(lines) > 1 else ""
        yield f"kernel command line{which}", text.plain(line, notes.LONGEST_NOTE)


def _experiment(report: Report) -> Iterator[tuple[str, str]]:
    opening = report.opening
    yield (
        "run",
        f"{text.plain(opening.experiment)} {opening.run}, content {opening.content_hash[:12]}, seed {opening.seed}",
    )
    if report.provenance:
        yield "command", text.plain(circumstances.command(report))
    for name, words in circumstances.benchmark(report):
        yield text.plain(name), text.plain(words)
    options = circumstances.options(report)
    if options:
        told = ", ".join(f"{name} = {value}" for name, value in options.items())
        yield "its other options", text.plain(told, notes.LONGEST_NOTE)
    yield "orchestrator", text.plain(circumstances.commit(report))


def _pairs(pairs: Iterable[tuple[str, str]]) -> Iterator[str]:
    return (f"{name}: {words}" for name, words in pairs)


def _section(title: str, lines: Iterable[str]) -> str:
    items = [letter.item(line, "- ") for line in lines]
    return "\n".join([letter.paragraph(f"{title}:"), *items]) if items else ""
