"""Tables in plain text."""

from __future__ import annotations

from collections.abc import Sequence

import tabulate as layout
from tabulate import tabulate

layout.MIN_PADDING = 0
"""Headings need no more room than their words; there are many columns."""
layout.PRESERVE_WHITESPACE = True
"""Further lines of a word are set in."""
layout.WIDE_CHARS_MODE = False
"""Widths count characters, here as where tables are made to fit, whether or not a library of wide ones is installed."""


def simple(headings: Sequence[str], rows: Sequence[Sequence[str]], alignment: Sequence[str]) -> str:
    """Return a table with a line below its headings; words may have several lines."""
    text = tabulate(rows, headings, tablefmt="simple", colalign=alignment, disable_numparse=True)
    return "\n".join(line.rstrip() for line in text.splitlines())
