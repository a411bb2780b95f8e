"""Suggest known names in messages about unknown names."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

MAX_LISTED = 12
"""Maximum number of names to list completely."""
CLOSEST = 5
"""Number of names to list if there are more than :data:`MAX_LISTED`."""


def nearest(name: str, known: Iterable[str]) -> str:
    """Return the known name that is most likely meant; empty if there is none like it."""
    return next(iter(difflib.get_close_matches(name, sorted(known), n=1)), "")


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
