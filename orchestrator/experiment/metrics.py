"""Read one metric of a benchmark."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Literal

from orchestrator.documents.draft import Draft
from orchestrator.experiment.model import Metric

_SOURCES: tuple[Literal["json", "key_value", "regex", "usage"], ...] = ("json", "key_value", "regex", "usage")

USAGE_UNITS: Mapping[str, str] = {
    "cpu": "s",
    "user": "s",
    "system": "s",
    "memory_peak": "B",
    "processes_peak": "count",
}
"""What a host tells of a trial, with its unit."""


_LITERAL = re.compile(r"\\N\{[^}]*\}|\\.|\[(?:\\.|[^\]\\])*\]")
"""Parts of a pattern that are no placeholders: characters by name, escaped ones, sets."""
_PLACEHOLDER = re.compile(r"\{([A-Za-z_][\w.]*)\}")
"""As in the command of a benchmark; ``re`` takes it literally."""


def read_metric(draft: Draft, name: str, *path: str) -> Metric | None:
    """Return the metric that ``path`` describes; None, with a fault, if that is no metric."""
    content = draft.value(*path)
    sources = [source for source in _SOURCES if source in content]
    if len(sources) != 1:
        position = draft.node.nearest_position(*path)
        draft.add_fault(position, f"metric '{name}': expected exactly one of the keys {', '.join(_SOURCES)}")
        return None
    (source,) = sources
    selector = content[source]
    if source == "usage" and content["unit"] != USAGE_UNITS[selector]:
        draft.add_fault(
            draft.node.nearest_position(*path, "unit"),
            f"metric '{name}': the unit of usage: {selector} is {USAGE_UNITS[selector]}",
        )
    return Metric(
        name,
        content["unit"],
        source,
        selector if isinstance(selector, str) else tuple(map(str, selector)),
        content.get("better", "neither"),
        content.get("models", ""),
        content.get("from", "stdout"),
    )


def check_pattern(draft: Draft, parameters: Collection[str], *path: str | int) -> None:
    """Add a fault for an invalid pattern, or one with a parameter in braces; whatever else is wrong with its metric."""
    node = draft.node.get(*path)
    fault = (
        _pattern_fault(node.content, parameters) if node is not None and isinstance(node.content, str) else ""
    )
    if node is not None and fault:
        draft.add_fault(node.position, fault)


def _pattern_fault(pattern: str, parameters: Collection[str]) -> str:
    """What is wrong with a pattern; empty if nothing is. ``re`` defines the language, ``regex`` will search."""
    import regex

    found = next(
        (name for name in _PLACEHOLDER.findall(_LITERAL.sub("\0", pattern)) if name in parameters), ""
    )
    if found:
        return f"'{{{found}}}': a pattern has no placeholders, it is the same for all trials (or write \\{{{found}\\}})"
    try:
        groups = re.compile(pattern).groups
        regex.compile(pattern)
    except (re.error, regex.error, RecursionError, OverflowError) as error:
        return f"invalid regular expression: {error}"
    if groups != 1:
        return f"expected one group ( ) around the number; found {groups} (use (?: ) for other groups)"
    return ""
