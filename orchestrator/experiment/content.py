"""The content hash of an experiment. Layout and location of the file do not change it."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from orchestrator.documents.expressions import Expression
from orchestrator.experiment.model import (
    Benchmark,
    Experiment,
    Hosts,
    Kernel,
    KernelSource,
    Limits,
    Metric,
    Needs,
    Noise,
    PatchSource,
    Published,
    Recipe,
    Repetitions,
    Role,
    Suite,
)

_OMITTED = {"file", "content_hash", "description"}
_DESCRIPTIVE: Mapping[type, frozenset[str]] = {
    Published: frozenset({"method", "notes"}),
    Benchmark: frozenset({"meanings"}),
    Needs: frozenset({"nodes"}),
    Limits: frozenset({"max_hours", "max_cost"}),
    Hosts: frozenset({"sections"}),
    Suite: frozenset({"mirror", "keyring"}),
}
"""Fields that do not change what is measured: descriptions, repetitions of others, other providers, mirrors."""

_AT_ONCE = frozenset({"parallel"})
"""Options of providers that say how many blocks run at once; a run may be resumed with another number."""

_NEWER: Mapping[type, frozenset[str]] = {
    Kernel: frozenset({"architecture", "suite"}),
    KernelSource: frozenset({"suite"}),
    Metric: frozenset({"stream"}),
    PatchSource: frozenset({"first"}),
}
"""Fields that change what is measured and that older versions did not have: left out at their default, so that the hash
of a file of those versions stays the same."""

_HASHED_AS = {"off_if_missing": "held_without"}
"""Renamed fields by the name they were first hashed under, so that existing hashes stay the same."""


def content_hash(experiment: Experiment) -> str:
    """Return the SHA-256 (hex) of the experiment after overrides and defaults.

    Comments, layout, the description, the location of the file, and the files of roles and recipes do not change it.
    """
    document = {
        name: _plain(getattr(experiment, name), experiment.file.parent)
        for name in experiment.__struct_fields__
        if name not in _OMITTED and not (name == "noise" and experiment.noise == Noise())
    }
    # The hash without `noise` and `until` is that of versions that did not have them.
    canonical = json.dumps(document, sort_keys=True, ensure_ascii=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()


def _plain(value: Any, folder: Path) -> Any:
    if isinstance(value, Role):
        if not (value.variables or value.tags):
            return value.name
        return {"role": value.name, "vars": dict(value.variables), "tags": list(value.tags)}
    if isinstance(value, Recipe) and value.name:
        return value.name
    if isinstance(value, Expression):
        return value.text
    if isinstance(value, Path):
        return os.path.relpath(value, folder.resolve())
    if isinstance(value, PatchSource | KernelSource) and value.location.startswith("/"):
        value = replace(value, location=os.path.relpath(value.location, folder.resolve()))
    if isinstance(value, Hosts):
        value = replace(
            value, options={name: option for name, option in value.options.items() if name not in _AT_ONCE}
        )
    if isinstance(value, Needs):
        # The hash of versions that took node numbers to be without gaps.
        value = replace(value, numa_nodes=max(value.numa_nodes, *(n + 1 for n in value.nodes), 0))
    if isinstance(value, Repetitions) and value.until is None:
        return {"count": value.count, "boots": value.boots}
    if isinstance(value, Struct):
        names = value.__struct_fields__
        defaults = dict(zip(reversed(names), reversed(value.__struct_defaults__), strict=False))
        newer = _NEWER.get(type(value), frozenset())
        at_default = {name for name in newer if getattr(value, name) == defaults[name]}
        omitted = _DESCRIPTIVE.get(type(value), frozenset()) | at_default
        names = tuple(name for name in names if name not in omitted)
        return {_HASHED_AS.get(name, name): _plain(getattr(value, name), folder) for name in names}
    if isinstance(value, Mapping):
        return {str(key): _plain(inner, folder) for key, inner in value.items()}
    if isinstance(value, tuple | list):
        return [_plain(inner, folder) for inner in value]
    return value
