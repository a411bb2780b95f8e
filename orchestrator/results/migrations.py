"""Migrations: older documents are brought to the present format one step at a time, newer ones are refused.

A step takes a document of format N and returns it in format N + 1. A change of a format adds a step here and raises
the format's number. No other code ever sees an older document.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

Document = dict[str, Any]
Step = Callable[[Document], Document]


def _host_outcome(record: Document) -> Document:
    """``fate`` of a host's record is called ``outcome``."""
    if record.get("type") != "host" or "fate" not in record:
        return record
    return {"outcome" if key == "fate" else key: value for key, value in record.items()}


def _journal_2(record: Document) -> Document:
    """Return a record of format 1 in format 2."""
    return _host_outcome(record)


#: step by the format it starts from
JOURNAL: Mapping[int, Step] = {1: _journal_2}
MANIFEST: Mapping[int, Step] = {}


class UnreadableFormat(ValueError):
    """The document has no format, or one that this version cannot read."""


def _bundle_2(description: Document) -> Document:
    """Keys of ``bundle.json`` were renamed."""
    renamed = {"file": "experiment_file", "changed": "changed_role_files"}
    program = {"source": "source_hash", "run_source": "run_source_hash"}
    description = {renamed.get(key, key): value for key, value in description.items()}
    return description | {
        "program": {program.get(key, key): value for key, value in description["program"].items()}
    }


#: steps of ``bundle.json``
BUNDLE: Mapping[int, Step] = {1: _bundle_2}


def upgrade(document: Document, current: int, steps: Mapping[int, Step]) -> Document:
    """Return ``document`` in format ``current``; raise :class:`UnreadableFormat` where no steps lead there."""
    number = document.get("format")
    if type(number) is not int or number < 1:
        raise UnreadableFormat(f"'format' is {number!r}, expected a number from 1 to {current}")
    if number > current:
        raise UnreadableFormat(
            f"format {number} is newer than this version reads (up to {current}); "
            "upgrade migration-orchestrator and try again"
        )
    for start in range(number, current):
        document = steps[start](document) | {"format": start + 1}
    return document
