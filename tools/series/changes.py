"""What a patch changes, apart from the lines around it, and how far two patches differ in that. No git is needed."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

_FILE = re.compile(r"diff --git a/(.*) b/(.*)")
_HUNK = re.compile(r"@@ -\d+(?:,(\d+))? \+\d+(?:,(\d+))? @@")


class Change(NamedTuple):
    """Lines without others between them that are replaced by others."""

    file: str
    removed: tuple[str, ...]
    added: tuple[str, ...]


def changes(diff: str) -> Counter[Change]:
    """Return the changes of a diff, or of a mail with one. Context and line numbers have no say."""
    return Counter(_changes(diff.split("\n")))


def _changes(lines: list[str]) -> Iterator[Change]:
    file = ""
    old = new = 0  # lines that the hunk still has
    removed: list[str] = []
    added: list[str] = []
    for line in [*lines, ""]:
        in_hunk = old > 0 or new > 0
        if in_hunk and line.startswith("-"):
            removed.append(line[1:])
            old -= 1
            continue
        if in_hunk and line.startswith("+"):
            added.append(line[1:])
            new -= 1
            continue
        if line.startswith("\\"):
            continue
        if removed or added:
            yield Change(file, tuple(removed), tuple(added))
            removed, added = [], []
        if in_hunk:
            old, new = old - 1, new - 1
        elif match := _FILE.fullmatch(line):
            file = match[2]
        elif match := _HUNK.match(line):
            old, new = (int(count) if count is not None else 1 for count in match.groups())


def digest(diff: str) -> str:
    """Return a name of what a diff changes; the same after a move or with other lines around it."""
    return hashlib.sha256(repr(sorted(changes(diff).items())).encode()).hexdigest()[:12]


def digest_of_text(text: str) -> str:
    """Return a name of a commit message."""
    return hashlib.sha256(text.strip().encode(errors="surrogateescape")).hexdigest()[:12]


def differing(one: str, other: str) -> int:
    """Return how many changes of one diff are not in the other, in the direction in which they are more."""
    left, right = changes(one), changes(other)
    return max((left - right).total(), (right - left).total())


def touched(diff: str) -> list[str]:
    """Return the files that a diff names, by their new names, sorted."""
    return sorted({match[2] for line in diff.split("\n") if (match := _FILE.fullmatch(line))})
