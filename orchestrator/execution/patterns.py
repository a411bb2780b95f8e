"""Regular expressions of users, bounded in time.

The patterns are those of Python's ``re``, which cannot be interrupted. The ``regex`` package reads the same language
(its version 0 behaviour, the default) and takes a time limit.
"""

from __future__ import annotations

import regex

TIME_LIMIT_S = 2.0
"""Longest time for one search. A sound pattern takes milliseconds for all of the output that is kept."""


def last_with_group(pattern: str, text: str, start: int) -> regex.Match[str] | None:
    """Return the last match at or after ``start`` in which the first group took part.

    ``^`` and ``$`` match at each line. Raises ``TimeoutError`` if it takes too long.
    """
    found = None
    for match in regex.compile(pattern, regex.MULTILINE).finditer(text, start, timeout=TIME_LIMIT_S):
        if match[1] is not None:
            found = match
    return found


def depends_on(match: regex.Match[str], position: int) -> bool:
    """Whether the pattern names the character at ``position``: with another one there, the match would be another."""
    changed = match.string[:position] + "\0" + match.string[position + 1 :]
    again = match.re.match(changed, match.start(), timeout=TIME_LIMIT_S)
    return again is None or again.span(1) != match.span(1)


def occurs(pattern: str, text: str) -> bool:
    """Whether the pattern matches somewhere in a text; false if that takes too long."""
    try:
        return regex.compile(pattern).search(text, timeout=TIME_LIMIT_S) is not None
    except TimeoutError:
        return False
