"""The ``series`` file of a directory of patches, by the rules of quilt."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

from msgspec import Struct

from orchestrator.errors import KernelError

_COMMENT = re.compile(rb"(^|[ \t]+)#.*")
_STRIP = re.compile(r"-p([0-9]{1,9})")  # git reads it as an int


class Entry(Struct, frozen=True):
    """A line of a series.

    :ivar location: file and line.
    :ivar strip: number of leading path components to remove (``-pN``). None: 1; 0 if a name has no slash.
    :ivar reverse: whether the patch is to be taken back (``-R``).
    """

    file: Path
    location: str
    strip: int | None = None
    reverse: bool = False


def read_series(series: Path) -> Iterator[Entry]:
    """Yield the entries of a series. Raises ``KernelError`` with the line that quilt, or we, cannot follow."""
    seen: dict[Path, int] = {}
    for number, line in enumerate(series.read_bytes().split(b"\n"), 1):
        words = [os.fsdecode(word) for word in _COMMENT.sub(b"", line).split()]
        if words:
            entry = _entry(series, f"{series}:{number}", words)
            first = seen.setdefault(entry.file, number)
            if first != number:
                raise KernelError(f"{entry.location}: {words[0]} is already in line {first}")
            yield entry


def _entry(series: Path, location: str, words: list[str]) -> Entry:
    name, *options = words
    file = series.parent / name
    if not file.is_file():
        raise KernelError(f"{location}: {file}: No such file or directory")
    strip, reverse = 1, False
    for option in options:
        if match := _STRIP.fullmatch(option):
            strip = int(match[1])
        elif option == "-R":
            reverse = True
        else:
            raise KernelError(f"{location}: unsupported option '{option}'; supported: -pN, -R")
    return Entry(file, location, strip, reverse)
