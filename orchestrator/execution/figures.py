"""Whether a number that a pattern found in a text is the whole number that stands there."""

from __future__ import annotations

import re

import regex

from orchestrator.execution import patterns
from orchestrator.execution.scales import LARGE_UNITS, SMALL_UNITS

#: also those of Arabic and of typographers, and a backspace, which joins what stands beside it
_SEPARATORS = r".,:'’_\x08·٫٬\u00a0\u2007\u2009\u202f"
#: what makes a number another one where it follows directly
_FOLLOWS = re.compile(
    rf"\d|[{_SEPARATORS}]\d|[eEdD](?![A-Za-z])|[eEdD][+-]?\d|[⁰¹²³⁴-⁹⁻]|\^[+-]?\d| ?[x×*] ?10(?:\^|\*\*|[⁰¹²³⁴-⁹⁻])"
    rf"|[kKMGTPEZY]i?(?:{LARGE_UNITS})?(?![A-Za-z])"
    rf"|[munpµμ](?:{SMALL_UNITS})?(?![A-Za-z])"
)
_HEXADECIMAL = re.compile(r"[xX][0-9A-Fa-f]")
#: what makes a number another one where it comes directly before
_PRECEDES = re.compile(
    rf"\d$|(?<![\w{_SEPARATORS}])[+-]?[\d{_SEPARATORS}]*\d[{_SEPARATORS}]$|\d[eE][+-]?$|(?<!\w)0[xX][0-9A-Fa-f]*$"
    r"|(?:^|[\s=:(\[,;|])(?:[-−]|[+-]?\.)$"
)
#: the same before a number with a sign
_EXPONENT = re.compile(r"\d[eE]$")
_WORD_BEFORE = re.compile(rf"[\d{_SEPARATORS}eExX+−-]*$")
_WORD_AFTER = re.compile(rf"[\w{_SEPARATORS}/%+*^×-]*")

_REACH = 40
"""Characters on each side of a number that are looked at, and quoted."""


def whole_number(match: regex.Match[str], unit: str) -> str:
    """Return the number as it stands in the text if the match took only a part of it; empty if it took all of it.

    A digit beside the number always belongs to it. A separator, an exponent or a prefix of a unit belongs to it unless
    the pattern itself names that character, or what follows is the ``unit`` of the metric.
    """
    text, taken = match.string, match[1]
    start = match.start(1) + len(taken) - len(taken.lstrip())
    end = match.end(1) - len(taken) + len(taken.rstrip())
    if start >= end or not (_is_cut_before(match, start) or _is_cut_after(match, end, unit)):
        return ""
    before = _WORD_BEFORE.search(text[max(0, start - _REACH) : start])
    after = _WORD_AFTER.match(text, end, end + _REACH)
    assert before is not None
    assert after is not None
    return (before[0].lstrip(":,;'’_") + text[start:end] + after[0]).rstrip(":,;.'’")


def _is_cut_after(match: regex.Match[str], end: int, unit: str) -> bool:
    text = match.string
    if _is_unit(text, end, unit):
        return False
    follows = _FOLLOWS.match(text, end) or (
        text[match.start(1) : end] == "0" and _HEXADECIMAL.match(text, end)
    )
    return bool(follows) and (text[end].isdigit() or not patterns.depends_on(match, end))


def _is_cut_before(match: regex.Match[str], start: int) -> bool:
    text = match.string
    line = text[max(text.rfind("\n", 0, start) + 1, start - _REACH) : start]
    precedes = _EXPONENT if text[start] in "+-" else _PRECEDES
    if not precedes.search(line):
        return False
    return line[-1].isdigit() or not patterns.depends_on(match, start - 1)


def _is_unit(text: str, end: int, unit: str) -> bool:
    """Whether the metric's own unit follows, and nothing else."""
    beyond = text[end + len(unit) : end + len(unit) + 1]
    return bool(unit) and text.startswith(unit, end) and not (beyond.isalnum() or beyond == "/")
