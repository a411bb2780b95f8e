"""Text from hosts, benchmarks and bundles, made fit for a terminal, a log or a table: nothing in it is obeyed."""

from __future__ import annotations

import re

_ACTING = re.compile(
    r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]"  # C0, DEL and C1: escape sequences begin with one of them
    r"|\r(?!\n)"
    r"|[\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069]"  # another order of what is shown
    r"|[\ud800-\udfff]"
)


def visible(text: str) -> str:
    """Return a text with each control character written as in JSON, such as ``\\u001b``.

    Hosts, benchmarks and bundles choose names and messages; a terminal would obey them. Line ends and tabs stay.
    """
    return _ACTING.sub(lambda found: f"\\u{ord(found[0]):04x}", text)
