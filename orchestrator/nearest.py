"""Suggest known names in messages about unknown names."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

MAX_LISTED = 12
"""Maximum number of names to list completely."""
CLOSEST = 5
"""Number of names to list if there are more than :data:`MAX_LISTED`."""

_SHORTEST_START = 3


def nearest(name: str, known: Iterable[str]) -> str:
    """Return the known name that is most likely meant; empty if there is none like it.

    It is written alike, in other letters too (``N`` for ``n``), or the only one that begins so (``memory_per_node`` for
    ``memory``).
    """
    names = sorted(known)
    if name.lower() != name or len(name) == 1:
        same = [known_name for known_name in names if known_name.lower() == name.lower()]
        if same:
            return same[0]
    close = difflib.get_close_matches(name, names, n=1)
    if close:
        return close[0]
    longer = [known_name for known_name in names if known_name.startswith(name)]
    return longer[0] if len(longer) == 1 and len(name) >= _SHORTEST_START else ""


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return a hint: the known name that is most likely meant, otherwise all known names or the closest of many."""
    names = sorted(known)
    close = nearest(name, names)
    if close:
        return f"did you mean '{close}'?"
    if len(names) > MAX_LISTED:
        closest = difflib.get_close_matches(name, names, n=CLOSEST, cutoff=0)
        return f"the closest of {len(names)} known names: {', '.join(closest)}"
    return f"known: {', '.join(names)}" if names else "there are none"
