"""Filters and tests of Ansible that Jinja2 does not have itself."""

from __future__ import annotations

import base64
import json
import re
import shlex
from collections.abc import Callable, Mapping
from pathlib import PurePosixPath
from typing import Any

import yaml


def as_bool(value: Any) -> bool:
    """Return a value as a boolean; of strings ``true``, ``yes``, ``on``, ``1``, ``y`` and ``t`` are true."""
    if isinstance(value, str):
        return value.strip().lower() in ("true", "yes", "on", "1", "y", "t")
    return bool(value)


def _combine(value: Mapping[str, Any], *others: Mapping[str, Any]) -> dict[str, Any]:
    combined = dict(value)
    for other in others:
        combined.update(other)
    return combined


def _regex_search(text: str, pattern: str) -> str | None:
    match = re.search(pattern, text)
    return match[0] if match else None


FILTERS: Mapping[str, Callable[..., Any]] = {
    "b64decode": lambda text: base64.b64decode(text).decode(),
    "b64encode": lambda text: base64.b64encode(str(text).encode()).decode(),
    "basename": lambda path: PurePosixPath(path).name,
    "bool": as_bool,
    "combine": _combine,
    "dirname": lambda path: str(PurePosixPath(path).parent),
    "flatten": lambda value: [
        item for part in value for item in (part if isinstance(part, list) else [part])
    ],
    "from_json": json.loads,
    "quote": lambda value: shlex.quote(str(value)),
    "regex_replace": lambda text, pattern, replacement="": re.sub(pattern, replacement, text),
    "regex_search": _regex_search,
    "split": lambda text, separator=None: text.split(separator),
    "ternary": lambda value, if_true, if_false: if_true if value else if_false,
    "to_json": lambda value: json.dumps(value, ensure_ascii=False),
    "to_yaml": lambda value: yaml.safe_dump(value, allow_unicode=True),
}

TESTS: Mapping[str, Callable[..., bool]] = {
    "changed": lambda result: bool(result["changed"]),
    "failed": lambda result: bool(result["failed"]),
    "match": lambda text, pattern: re.match(pattern, text) is not None,
    "search": lambda text, pattern: re.search(pattern, text) is not None,
    "skipped": lambda result: bool(result["skipped"]),
    "succeeded": lambda result: not result["failed"],
}
