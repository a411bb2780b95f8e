"""Whether a unit behind a number has the prefix of the metric's unit: tools print ``943 Mbits`` or ``1.2Gbits``."""

from __future__ import annotations

import re

import regex

from orchestrator.execution import patterns

LARGE_UNITS = (
    r"[bB](?:its?|ytes?|ps)?|[oO]ps?|OPS|[iI][oO][sS]?|IOPS|[fF]lops?|FLOPS?|[VAWJgmstT]|[hH]z|"
    r"[ptqr]ps|[PTQR]PS|pages?|reqs?|samples?|cycles?|events?"
)
_SECONDS = r"s|secs?|seconds?"
SMALL_UNITS = rf"{_SECONDS}|[VAWJgmLFH]|Hz"

_SCALED = re.compile(
    rf"(?:(?P<large>[kKMGTPEZY])i?(?P<of>{LARGE_UNITS})?|(?P<small>[munpµμ])(?:{SMALL_UNITS}))(?![A-Za-z0-9_])"
)
#: the same directly at a number; a prefix alone may be part of the number ("3k")
_DIRECTLY = re.compile(rf"(?:[kKMGTPEZY]i?(?:{LARGE_UNITS})|[munpµμ](?:{SMALL_UNITS}))(?:/[A-Za-z]+)?")
#: fewer than directly at a number, where no word can stand ("12 pm"); before ":" it is the name of the next figure
_BEHIND = re.compile(
    rf"[ \t]+((?P<large>[kKMGT])i?(?:{LARGE_UNITS})?|(?P<small>[munpµμ])(?:{_SECONDS})"
    rf"|(?P<seconds>{_SECONDS})|(?P<bytes>B|[bB]ytes?|[bB]its?))(?![A-Za-z0-9_]|[ \t]*[:=])[\w/%^-]*"
)
_SAME = str.maketrans("Kμu", "kµµ")


def other_scale(match: regex.Match[str], unit: str) -> str:
    """Return the number and the unit behind it if a space separates them and ``unit`` has another prefix; else empty.

    What the pattern itself names is right, and 0 is 0 in all units.
    """
    end = match.end(1) - len(match[1]) + len(match[1].rstrip())
    behind = _BEHIND.match(match.string, end)
    if behind is None or float(match[1]) == 0 or not _differs(behind, unit):
        return ""
    return "" if patterns.depends_on(match, behind.start(1)) else match[1].strip() + behind[0]


def is_unit(text: str) -> bool:
    """Whether ``text``, which follows a number directly, is a unit with a prefix, such as ``MiB/s``, and no more."""
    return bool(_DIRECTLY.fullmatch(text))


def _differs(behind: re.Match[str], unit: str) -> bool:
    scaled = _SCALED.match(unit)
    ours = scaled and (scaled["large"] or scaled["small"])
    if behind["seconds"]:
        return bool(scaled and scaled["small"])
    if behind["bytes"]:
        return bool(scaled and scaled["large"] and (scaled["of"] or "")[:1] in ("b", "B"))
    theirs = behind["large"] or behind["small"]
    return theirs.translate(_SAME) != (ours or "").translate(_SAME)
