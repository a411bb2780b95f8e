"""Warnings and errors in the output of make, by what was being made."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import NamedTuple

_STEP = re.compile(r"\s+[A-Z][A-Z0-9]*(?: \[[A-Z]\])?\s+(\S+)$")
_DIAGNOSTIC = re.compile(
    r"(?P<file>[^\s:]+?):(?:\d+:)*\s*(?P<kind>warning|error|fatal error): (?P<text>.*)", re.IGNORECASE
)
_DOCUMENTATION = re.compile(r"(?P<kind>warning|error): (?P<file>[^\s:]+):\d+ (?P<text>.*)", re.IGNORECASE)
_STOPPED = re.compile(r"make(?:\[\d+\])?: \*\*\* (?P<text>.*)")
_RECIPE_FAILED = re.compile(
    r"\[.*\] Error \d+$|^Deleting file |Waiting for unfinished jobs|not remade because of errors"
)
_OFFSET = re.compile(r"\+0x[0-9a-f]+(?:/0x[0-9a-f]+)?|\bline \d+\b")


class Diagnostic(NamedTuple):
    """What a compiler or a checker says of a file, without its line number, which other patches change."""

    file: str
    kind: str
    text: str

    @property
    def is_error(self) -> bool:
        """Whether it stops the build."""
        return self.kind == "error"

    def __str__(self) -> str:
        return f"{self.file}: {self.kind}: {self.text}"


Diagnostics = dict[str, Counter[Diagnostic]]
"""Diagnostics by target of make."""


def parse(output: Iterable[str], source: str) -> tuple[Diagnostics, dict[Diagnostic, str]]:
    """Return the diagnostics of each target that was made, and a place (FILE:LINE) of each.

    :param output: of ``make --output-sync=target``: what a target has to say follows its line.
    :param source: the source tree, to be left out of names.
    """
    found: Diagnostics = {}
    places: dict[Diagnostic, str] = {}
    stopped: list[str] = []
    target = ""
    for raw in output:
        line = raw.rstrip("\n")
        if step := _STEP.fullmatch(line):
            target = _relative(step[1], source)
            found.setdefault(target, Counter())
        elif (match := _STOPPED.match(line)) and not _RECIPE_FAILED.search(match["text"]):
            stopped.append(match["text"])
        elif not line.startswith("make") and (match := _DIAGNOSTIC.match(line) or _DOCUMENTATION.match(line)):
            kind = "error" if "error" in match["kind"].lower() else "warning"
            file = _relative(match["file"], source)
            diagnostic = Diagnostic(file, kind, _OFFSET.sub("", match["text"]).strip())
            found.setdefault(target, Counter())[diagnostic] += 1
            places.setdefault(diagnostic, _place(line, file))
    for text in stopped:
        found.setdefault("", Counter())[Diagnostic("make", "error", text)] += 1
    return found, places


def has_errors(found: Mapping[str, Counter[Diagnostic]]) -> bool:
    """Whether there is an error among the diagnostics."""
    return any(diagnostic.is_error for counter in found.values() for diagnostic in counter)


def added(
    before: Mapping[str, Counter[Diagnostic]], after: Mapping[str, Counter[Diagnostic]]
) -> Counter[Diagnostic]:
    """Return the diagnostics that ``after`` has more often than ``before`` has anywhere.

    What a header brings into each object counts once.
    """
    return most(after) - most(before)


def most(found: Mapping[str, Counter[Diagnostic]]) -> Counter[Diagnostic]:
    """Return for each diagnostic how often the target has it that has it most often."""
    result: Counter[Diagnostic] = Counter()
    for counter in found.values():
        result |= counter
    return result


def _relative(name: str, source: str) -> str:
    return name.removeprefix(f"{source}/").removeprefix("../").removeprefix("./")


def _place(line: str, file: str) -> str:
    match = re.search(r":(\d+)[: ]", line)
    return f"{file}:{match[1]}" if match else file
