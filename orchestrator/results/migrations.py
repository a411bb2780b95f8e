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
    """Only names of benchmarks changed, see :func:`rename`. A program that reads format 1 would not find them."""
    return record


#: step by the format it starts from
JOURNAL: Mapping[int, Step] = {1: _journal_2}
MANIFEST: Mapping[int, Step] = {}

#: options and metrics of migbench 1
_NAMES = {
    "toucher": "latency_probe",
    "toucher_faults": "latency_probe_faults",
    "toucher_gap_before": "latency_probe_idle_gap",
    "pages_left_by_dma": "dma_fallback_pages",
}
#: keys of records that have these names
_NAMED = ("headline", "metrics", "factors", "breakdown", "compare", "meanings")
#: keys by section of the document of migbench 1
_SECTIONS = {
    "dialect": {"how": "evidence"},
    "request": {"toucher": "latency_probe"},
    "verification": {
        "page_size_how": "page_size_source",
        "pages_left": "pages_not_migrated",
        "residence": "pages_per_node",
        "status_lies": "status_mismatches",
    },
}


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


def rename(record: Document) -> Document:
    """Return a record of a journal with the present names of options and metrics, and of keys in ``details``.

    The names are those of the benchmark, not of the journal's format: a role of an older version, such as that of a
    bundle, still prints the former ones.
    """
    renamed = {key: _renamed(record[key]) for key in _NAMED if key in record}
    if isinstance(record.get("details"), dict):
        renamed["details"] = _details(record["details"])
    return record | renamed


def _renamed(value: Any) -> Any:
    if isinstance(value, dict):
        return {_NAMES.get(key, key): _renamed(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_renamed(item) for item in value]
    return _NAMES.get(value, value) if isinstance(value, str) else value


def _details(details: Document) -> Document:
    details = _with_keys(details, {"truth": "verification"})
    if details.get("migbench") != 1:
        return details
    sections = {name: _with_keys(details[name], keys) for name, keys in _SECTIONS.items() if name in details}
    return details | {"migbench": 2} | sections


def _with_keys(value: Any, keys: Mapping[str, str]) -> Any:
    return {keys.get(key, key): item for key, item in value.items()} if isinstance(value, dict) else value
