"""The nearest known name, for messages about names that nobody knows."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

MOST_NAMED = 12
"""So many names are told at most; of more the nearest :data:`NEAREST`."""
NEAREST = 5


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Say which of the ``known`` names may have been meant, or which there are, the nearest of many."""
    names = sorted(known)
    close = difflib.get_close_matches(name, names, n=1)
    if close:
        return f"did you mean '{close[0]}'?"
    if len(names) > MOST_NAMED:
        near = difflib.get_close_matches(name, names, n=NEAREST, cutoff=0)
        return f"the nearest of {len(names)}: {', '.join(near)}"
    return f"known: {', '.join(names)}" if names else "there are none"
