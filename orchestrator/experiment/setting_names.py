"""Settings that are likely misspelt. A kernel may have others than those we know of, so that is no fault."""

from __future__ import annotations

import difflib
import logging
import re
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files
from itertools import islice

from orchestrator.documents.document import Node
from orchestrator.errors import Position
from orchestrator.experiment.settings import sysctl_name, sysctl_path

log = logging.getLogger(__name__)

KINDS = ("sysctl", "sysfs")

_LOOKED_AT = 200
"""Names of a section; to compare one with all that are known takes some milliseconds."""

_CUTOFF = 0.88
"""Of difflib's ratio, for a name of a sysctl: one wrong, missing or swapped letter in eight."""

_PART_CUTOFF = 0.8
"""The same for each part of a path, as parts are shorter."""

_LONGEST = 200
"""Characters of a path that is looked at; to compare longer ones takes too long."""

_MM = "/sys/kernel/mm/"
_SIZE = re.compile(r"hugepages-\d+kB")
"""The directory of one size of huge pages."""


def warn(node: Node) -> None:
    """Log a warning for each setting of ``tuning``, or factor that sets one, that is likely misspelt."""
    for kind, name, position, values in _settings(node):
        likely = meant_sysctl(name) if kind == "sysctl" else meant_file(name)
        if likely:
            what = "sysctl" if kind == "sysctl" else "file"
            _warn(position, f"unknown {what} '{name}'; did you mean '{likely}'?")
        words = choices(name)
        for value in values if words else ():
            if isinstance(value.content, str) and value.content not in words:
                _warn(
                    value.position, f"unknown value '{value.content}' of '{name}'; known: {', '.join(words)}"
                )


def meant_sysctl(name: str) -> str:
    """Return the sysctl of Linux that ``name`` most likely means; empty if it is one, or like none."""
    name = sysctl_name(sysctl_path(name))
    if not name.startswith(("vm.", "kernel.")):
        return ""
    known = _sysctls()
    close = [] if name in known else difflib.get_close_matches(name, known, n=1, cutoff=_CUTOFF)
    return close[0] if close else ""


def meant_file(path: str) -> str:
    """Return the file below ``/sys/kernel/mm`` that ``path`` most likely means; empty if it is one, or like none."""
    sizes = _SIZE.findall(path)
    general = _general(path)
    if not general.startswith(_MM) or general in _files() or len(general) > _LONGEST:
        return ""
    known = [file for file in _files() if file.count("/") == general.count("/")]
    found = max(known, key=lambda file: _likeness(general, file), default="")
    if not found or _likeness(general, found) < _PART_CUTOFF:
        return ""
    return found.replace("hugepages-SIZE", sizes[0]) if sizes else found


def _likeness(path: str, other: str) -> float:
    """Return how alike the parts of two paths are that are least alike, from 0 to 1 (difflib's ratio)."""
    pairs = zip(path.split("/"), other.split("/"), strict=True)
    return min(difflib.SequenceMatcher(None, *pair).ratio() for pair in pairs)


def choices(path: str) -> tuple[str, ...]:
    """Return the words that a file below ``/sys/kernel/mm`` takes; none if it takes others too, or is not known."""
    return _files().get(_general(path), ())


def _settings(node: Node) -> Iterator[tuple[str, str, Position, list[Node]]]:
    """Yield kind, name, position and values of each setting that ``tuning`` or a factor names."""
    for kind in KINDS:
        for name, value in islice(node.mapping("tuning", kind).items(), _LOOKED_AT):
            yield kind, name, node.key_position("tuning", kind, name), [value]
    for factor in islice(node.mapping("factors"), _LOOKED_AT):
        kind, _, name = factor.partition(".")
        if kind in KINDS:
            yield kind, name, node.key_position("factors", factor), node.items("factors", factor)


def _warn(position: Position, text: str) -> None:
    log.warning("%s", position.fault(f"warning: {text}"))


def _general(path: str) -> str:
    return _SIZE.sub("hugepages-SIZE", path)


@cache
def _sysctls() -> tuple[str, ...]:
    return tuple(_lines("sysctls.txt"))


@cache
def _files() -> Mapping[str, tuple[str, ...]]:
    lines = (line.split() for line in _lines("sysfs.txt"))
    return {_MM + path: tuple(words) for path, *words in lines}


def _lines(name: str) -> Iterator[str]:
    text = (files("orchestrator.experiment") / name).read_text(encoding="ascii")
    return (line for line in text.splitlines() if not line.startswith("#"))
