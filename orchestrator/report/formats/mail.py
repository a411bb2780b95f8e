"""Plain text of less than 72 columns, for the cover letter of a patch series."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from msgspec.structs import replace

from orchestrator.experiment.model import Status
from orchestrator.report import notes, plain_text, setup, tables, text
from orchestrator.report.model import Report
from orchestrator.report.tables import LABEL, Column, Table
from orchestrator.terminal import shell_words


def render(report: Report) -> str:
    """Return the report as text for mail: setup, method, figures, how to read them."""
    marks = {label: f"[{number}]" for number, label in enumerate(report.labels, 1)}
    first = (_title(report), *notes.damage(report), *notes.environments(report))
    parts = [*map(plain_text.paragraph, first)]
    parts.append(plain_text.section("Machine", _pairs(_machine(report))))
    for name, properties in setup.kernels(report).items():
        parts.append(plain_text.section(f"Kernel {text.plain(name)}", _pairs(properties.items())))
    parts.append(plain_text.section("Settings, as read back", _pairs(setup.settings(report).items())))
    method = [*notes.figures(report), *notes.rows(report), *notes.meanings(report)]
    parts.append(plain_text.section("Method", method))
    for table in tables.tables(report) if report.cells else ():
        parts += [plain_text.paragraph(table.caption), *plain_text.tables(_marked(table, marks))]
    footnotes = (f"{mark} {note}" for mark, note in zip(marks.values(), notes.labels(report), strict=True))
    parts.append("\n".join(map(plain_text.paragraph, footnotes)))
    parts.append(plain_text.section("How to read it", notes.comparison(report)))
    parts.append(plain_text.section("Anomalies", notes.findings(report)))
    parts.append(plain_text.section("Excluded", _excluded(report)))
    parts.append(plain_text.section("Experiment", _pairs(_experiment(report))))
    if report.provenance:
        command = shell_words(report.provenance.command_line)
        parts.append(f"{plain_text.paragraph('Command:')}\n{plain_text.command(command)}")
    return "\n\n".join(part for part in parts if part) + "\n"


def _title(report: Report) -> str:
    opening = report.opening
    title = text.plain(setup.description(report) or opening.experiment)
    count = text.progress(report.statuses, opening.trials)
    state = "" if report.complete else f" Not complete: {count}."
    return f"{text.sentence(title)}{state}"


def _marked(table: Table, marks: dict[str, str]) -> list[Column]:
    """Return the columns with a footnote mark at the name of each row with a label, in place of the label column."""
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
    excluded = run - report.statuses.get(Status.OK, 0)
    if not run:
        yield "No trial has run."
    else:
        yield f"{excluded} of {run} trials." if excluded else f"No trial; all {run} are in the figures."
    if report.unneeded:
        yield f"The stop rule saved {report.unneeded} planned trials."
    yield from notes.reasons(report)


def _machine(report: Report) -> Iterator[tuple[str, str]]:
    for host in setup.hosts(report):
        yield (
            text.plain(", ".join(filter(None, (host.name, host.environment, host.kernels)))),
            text.plain(host.line or "not reported", notes.LONGEST_NOTE),
        )
        if host.distances:
            yield "distances between nodes", host.distances
        if host.governors:
            yield "frequency governors", text.plain(host.governors)
    lines = setup.command_lines(report)
    for kernels, line in lines:
        which = f" of {text.plain(kernels)}" if len(lines) > 1 else ""
        yield f"kernel command line{which}", text.plain(line, notes.LONGEST_NOTE)


def _experiment(report: Report) -> Iterator[tuple[str, str]]:
    opening = report.opening
    yield (
        "run",
        f"{text.plain(opening.experiment)} {opening.run}, "
        f"content hash {opening.content_hash[:12]}, seed {opening.seed}",
    )
    for name, words in setup.benchmark(report):
        yield text.plain(name), text.plain(words)
    options = setup.options(report)
    if options:
        words = ", ".join(f"{name} = {value}" for name, value in options.items())
        yield "its other options", text.plain(words, notes.LONGEST_NOTE)
    yield "orchestrator", text.plain(setup.version(report))


def _pairs(pairs: Iterable[tuple[str, str]]) -> Iterator[str]:
    return (f"{name}: {words}" for name, words in pairs)
