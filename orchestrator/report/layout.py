"""Layout of tables in plain text."""

from __future__ import annotations

from collections.abc import Sequence

import tabulate as layout
from tabulate import tabulate

layout.MIN_PADDING = 0
"""No padding of headings, as there are many columns."""
layout.PRESERVE_WHITESPACE = True
"""Keeps the indent of further lines of a word."""
layout.WIDE_CHARS_MODE = False
"""Widths count characters, whether or not the wcwidth package is installed."""


def simple(headings: Sequence[str], rows: Sequence[Sequence[str]], alignment: Sequence[str]) -> str:
    """Return a table with a rule below the headings; words may have several lines."""
    text = tabulate(rows, headings, tablefmt="simple", colalign=alignment, disable_numparse=True)
    return "\n".join(line.rstrip() for line in text.splitlines())
