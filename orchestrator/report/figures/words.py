"""The width of words in a picture, and their lines.

Widths are those of DejaVu Sans and Bitstream Vera Sans, by groups of characters and rounded up. Most other fonts
without serifs are narrower, so that words fit in them too.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

SIZE = 12.0
"""Pixels; the charts are drawn for this size of text."""
LINE = 15.0
"""Distance of lines in pixels."""

_EMS = {
    character: ems
    for ems, characters in (
        (0.3, "iljIJ'|"),
        (0.37, " .,:;-/f"),
        (0.42, 'rt![]()"'),
        (0.61, "csvxyzk_FLTY?*"),
        (0.64, "abdeghnopqu0123456789ES$"),
    )
    for character in characters
}
_WIDE = 1.0, frozenset("mwMW%@±<>=+→≥≤—…")
_OTHER = 0.8


def width(text: str) -> float:
    """Return the width of a line of text in pixels, at most a little too large."""
    wide, characters = _WIDE
    return SIZE * sum(wide if c in characters else _EMS.get(c, _OTHER) for c in text)


def lines(text: str, limit: float) -> list[str]:
    """Return text in lines of at most ``limit`` pixels, broken after commas, else at spaces, else anywhere."""
    found = [""]
    for clause in re.split(r"(?<=,) ", text):
        for part in [clause] if width(clause) <= limit else _parts(clause, limit):
            together = f"{found[-1]} {part}".strip()
            if found[-1] and width(together) > limit:
                found.append(part)
            else:
                found[-1] = together
    return found


def _parts(clause: str, limit: float) -> Iterator[str]:
    for word in clause.split():
        part = ""
        for character in word:
            if part and width(part + character) > limit:
                yield part
                part = ""
            part += character
        yield part
