"""Migrations: older documents are brought to the present format one step at a time, newer ones are refused.

A step takes a document of format N and returns it in format N + 1. A change of a format adds a step here and raises
the format's number. No other code ever sees an older document.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

Document = dict[str, Any]
Step = Callable[[Document], Document]


def _host_outcome(record: Document) -> Document:
    """``fate`` of a host's record is called ``outcome``."""
    if record.get("type") != "host" or "fate" not in record:
        return record
    return {"outcome" if key == "fate" else key: value for key, value in record.items()}


def _hypervisor(record: Document) -> Document:
    """``beneath`` of a block's record is called ``hypervisor``."""
    if record.get("type") != "block":
        return record
    return {"hypervisor" if key == "beneath" else key: value for key, value in record.items()}


def _journal_2(record: Document) -> Document:
    """Return a record of format 1 in format 2; for names of benchmarks see :func:`rename`."""
    return _hypervisor(_host_outcome(record))


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
    """The document has no format, or one that this version cannot read."""


def _bundle_2(description: Document) -> Document:
    """Keys of ``bundle.json`` were renamed."""
    renamed = {"file": "experiment_file", "changed": "changed_role_files"}
    program = {"source": "source_hash", "run_source": "run_source_hash"}
    description = {renamed.get(key, key): value for key, value in description.items()}
    return description | {"program": _with_keys(description["program"], program)}


#: steps of ``bundle.json``
BUNDLE: Mapping[int, Step] = {1: _bundle_2}


def upgrade(document: Document, current: int, steps: Mapping[int, Step]) -> Document:
    """Return ``document`` in format ``current``; raise :class:`UnreadableFormat` where no steps lead there."""
    number = document.get("format")
    if "format" not in document:
        raise UnreadableFormat(f"missing key 'format'; expected a number from 1 to {current}")
    if type(number) is not int or number < 1:
        raise UnreadableFormat(
            f"invalid 'format': {json.dumps(number)}; expected a number from 1 to {current}"
        )
    if number > current:
        raise UnreadableFormat(
            f"format {number} is newer than this version reads (up to {current}); "
            "upgrade migration-orchestrator and try again"
        )
    for start in range(number, current):
        document = steps[start](document) | {"format": start + 1}
    return document


def has_former_names(named: Mapping[str, Any], factors: Mapping[str, str], details: Any) -> bool:
    """Whether :func:`rename` might change a trial with these metrics, factors and details."""
    if isinstance(details, dict) and ("truth" in details or details.get("migbench") == 1):
        return True
    former = _NAMES.keys()
    return not (
        former.isdisjoint(named) and former.isdisjoint(factors) and former.isdisjoint(factors.values())
    )


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
