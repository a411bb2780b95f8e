"""Figures from what a benchmark prints: JSON, ``key=value`` lines, or a pattern."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Mapping
from typing import Any

from orchestrator.experiment.model import Metric
from orchestrator.results.records import MetricValue

MISSING = object()


def read(metrics: Iterable[Metric], stdout: str) -> tuple[dict[str, MetricValue], list[str]]:
    """Return the figures found in ``stdout`` by metric name, and the names of the metrics not found in it.

    A figure that is not a finite number counts as not found.
    """
    document = parse_document(stdout)
    pairs = dict(_pairs(stdout))
    found: dict[str, MetricValue] = {}
    missing: list[str] = []
    for metric in metrics:
        if metric.source == "json":
            raw = _select(document, metric.selector)
        elif metric.source == "key_value":
            raw = pairs.get(metric.selector, MISSING)
        else:
            match = re.search(metric.selector, stdout, re.MULTILINE)
            raw = match.group(1) if match else MISSING
        value = _number(raw)
        if value is None:
            missing.append(metric.name)
        else:
            found[metric.name] = MetricValue(value, metric.unit)
    return found, missing


def parse_document(stdout: str) -> Any:
    """Return the JSON document that ``stdout`` is, or that its last line is; None if there is neither."""
    text = stdout.strip()
    for candidate in (text, text.rpartition("\n")[2]):
        if candidate[:1] in ("{", "["):
            try:
                return json.loads(candidate)
            except ValueError:
                continue
    return None


def _pairs(stdout: str) -> Iterable[tuple[str, str]]:
    for line in stdout.splitlines():
        key, equals, value = line.partition("=")
        if equals:
            yield key.strip(), value.strip()


def _select(document: Any, path: str) -> Any:
    """Follow a dotted path through mappings and, by number, lists."""
    for step in path.split("."):
        if isinstance(document, Mapping) and step in document:
            document = document[step]
        elif isinstance(document, list) and step.isdecimal() and int(step) < len(document):
            document = document[int(step)]
        else:
            return MISSING
    return document


def _number(raw: Any) -> float | None:
    if isinstance(raw, bool) or not isinstance(raw, str | int | float):
        return None
    try:
        value = float(raw)
    except ValueError:
        return None
    return value if math.isfinite(value) else None
