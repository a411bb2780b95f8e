"""A trial for a reader: what became of it, and what it printed."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator

from orchestrator.report.text import plain
from orchestrator.results.records import OUTPUT_KEPT, TrialRecord
from orchestrator.units import plural

LONGEST_LINE = 4000


def render(records: Iterable[TrialRecord]) -> str:
    """Return the records of one trial, attempts included, each with the kept end of stdout and of stderr."""
    return "\n".join("\n".join(_lines(record)) + "\n" for record in records)


def _lines(record: TrialRecord) -> Iterator[str]:
    again = "" if record.final else " (repeated)"
    yield f"trial {record.trial}, repetition {record.repetition}, on {plain(record.host)}"
    cell = ", ".join(f"{name}={level}" for name, level in record.factors.items())
    yield f"cell {record.cell}: {plain(cell, LONGEST_LINE)}"
    reason = f": {plain(record.reason, LONGEST_LINE)}" if record.reason else ""
    yield f"status: {record.status}{again}{reason}"
    if record.exit_code is not None:
        yield f"exit code: {record.exit_code}"
    if record.start:
        yield f"from {record.start} to {record.end}"
    missing: dict[str, list[str]] = {}
    for name, why in record.missing.items():
        missing.setdefault(why, []).append(name)
    for why, names in missing.items():
        yield f"no {plain(', '.join(names), LONGEST_LINE)}: {plain(why, LONGEST_LINE)}"
    if isinstance(record.details, str):
        yield from _stream("stdout", record.details, record)
    elif record.stdout or record.details is None:
        yield from _stream("stdout", record.stdout, record)
    else:
        yield "stdout, a JSON document:"
        yield from _indented(json.dumps(record.details, indent=2))
    yield from _stream("stderr", record.stderr, record)


def _stream(name: str, text: str, record: TrialRecord) -> Iterator[str]:
    if not text:
        yield f"{name}: empty"
        return
    is_end = name in record.cut or len(text) >= OUTPUT_KEPT
    yield f"{name}, the last {plural(len(text), 'character')}:" if is_end else f"{name}:"
    yield from _indented(text)


def _indented(text: str) -> Iterator[str]:
    return (f"  {line.rstrip()}" for line in text.rstrip("\n").split("\n"))
