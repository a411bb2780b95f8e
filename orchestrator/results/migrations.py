"""Older documents are brought up to the present format one step at a time; newer ones are refused.

A step takes a document of format N and returns it in format N + 1. A change of a format adds one step here and
raises the format's number; no other code ever sees an older document.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

Document = dict[str, Any]
Step = Callable[[Document], Document]


def _journal_2(record: Document) -> Document:
    """Keys were renamed."""
    return _rename_hypervisor(record)


#: step by the format it starts from
JOURNAL: Mapping[int, Step] = {1: _journal_2}
MANIFEST: Mapping[int, Step] = {}


class UnreadableFormat(ValueError):
    """The document does not say its format, or says one that this version cannot read."""


def upgrade(document: Document, current: int, steps: Mapping[int, Step]) -> Document:
    """Return ``document`` in format ``current``; raise :class:`UnreadableFormat` where no steps lead there."""
    found = document.get("format")
    if type(found) is not int or found < 1:
        raise UnreadableFormat(f"'format' is {found!r}, expected a number from 1 to {current}")
    if found > current:
        raise UnreadableFormat(
            f"format {found} is newer than this orchestrator reads (up to {current}); "
            "upgrade migration-orchestrator and try again"
        )
    for number in range(found, current):
        document = steps[number](document) | {"format": number + 1}
    return document


def _rename_hypervisor(record: Document) -> Document:
    """Records of blocks had ``beneath``."""
    return {("hypervisor" if key == "beneath" else key): value for key, value in record.items()}
