"""What a size, a duration or a frequency means that is written as other programs write it.

Linux, ``dd``, systemd, Slurm, Kubernetes and people write ``4K``, ``5 sec``, ``1h30m`` and ``00:05:00``.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from decimal import Decimal, localcontext

_NAMES: Mapping[str, str] = {
    name: unit
    for unit, names in {
        "ns": "nsec nsecs nanos nanosecond nanoseconds",
        "us": "usec usecs µs μs micros microsecond microseconds",
        "ms": "msec msecs millis millisecond milliseconds",
        "s": "sec secs second seconds",
        "min": "m mins minute minutes",
        "h": "hr hrs hour hours",
        "d": "day days",
        "B": "byte bytes",
        "KiB": "k kb ki kbyte kbytes kilobyte kilobytes kibibyte kibibytes",
        "MiB": "m mb mi mbyte mbytes meg megs megabyte megabytes mebibyte mebibytes",
        "GiB": "g gb gi gbyte gbytes gig gigs gigabyte gigabytes gibibyte gibibytes",
        "TiB": "t tb ti tbyte tbytes terabyte terabytes tebibyte tebibytes",
        "kHz": "k",
        "MHz": "m",
        "GHz": "g",
    }.items()
    for name in [f"{unit[-1]} {name}" for name in names.split()]
}
"""By the last letter of the unit, which says what it measures, and another name of the unit in lower case."""

_PART = re.compile(r"([0-9]*[.,]?[0-9]+)[.,]? ?([A-Za-zµμ]*)")
_GROUPS = re.compile(r"[0-9]{1,3}(?:[,_][0-9]{3})+(?![0-9])")
_CLOCK = re.compile(r"(?:([0-9]{1,4})-)?([0-9]{1,4}):([0-9]{2}):([0-9]{2})")
_EXPONENT = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,9})?)[eE]([+-]?[0-9]{1,2})(?![0-9])")
_HEX = re.compile(r"0[xX]([0-9A-Fa-f]{1,15})")
_MOST_DIGITS = 20
"""As many as a quantity may have before the point."""
_PRECISION = 200
"""Digits of sums and products of texts of :data:`LONGEST`; with fewer, ``Decimal`` rounds them or raises."""
LONGEST = 60
"""Longest text in which a meaning is looked for."""


def meant_quantity(text: str, units: Mapping[str, Decimal]) -> str:
    """Return a quantity in one of ``units`` that is most likely meant by ``text``; empty if none is.

    What it returns is accepted: a size is an integer number of bytes.
    """
    with localcontext(prec=_PRECISION):
        return _meant(text, units)


def _meant(text: str, units: Mapping[str, Decimal]) -> str:
    text = text.strip().removeprefix("+")
    if not text or len(text) > LONGEST:
        return ""
    text = _GROUPS.sub(lambda found: re.sub("[,_]", "", found[0]), text)
    if found := _HEX.fullmatch(text):
        text = str(int(found[1], 16))
    if found := _EXPONENT.match(text):
        text = f"{_written(Decimal(found[1]).scaleb(int(found[2])))}{text[found.end() :]}"
    if "s" in units and (found := _CLOCK.fullmatch(text)):
        days, hours, minutes, seconds = (int(part or 0) for part in found.groups())
        return _sum([(Decimal(((days * 24 + hours) * 60 + minutes) * 60 + seconds), "s")], units)
    parts = _PART.findall(text)
    if not parts or _PART.sub("", text).strip():
        return ""
    read = [_part(number, unit, units) for number, unit in parts]
    known = [part for part in read if part is not None]
    if len(known) < len(read) or (len(known) > 1 and "s" not in units):
        return ""
    if len(known) > 1:
        return _sum(known, units) if all(unit for _, unit in known) else ""
    ((number, unit),) = known
    if "B" in units and number * units[unit or "B"] % 1:
        return ""
    return f"{_written(number)}{unit}"


def _part(number: str, name: str, units: Mapping[str, Decimal]) -> tuple[Decimal, str] | None:
    """Return a number and the known unit that is meant by its name; None if none is."""
    value = Decimal(number.replace(",", "."))
    if value.adjusted() >= _MOST_DIGITS:
        return None
    if not name or name in units:
        return value, name
    if "s" in units and name.lower() in ("w", "week", "weeks"):
        return value * 7, "d"
    meant = named_unit(name, units)
    if not meant:
        by_letters = {known.lower(): known for known in units}
        close = difflib.get_close_matches(name.lower(), by_letters, n=1, cutoff=0.5)
        meant = by_letters[close[0]] if close else ""
    return (value, meant) if meant else None


def named_unit(name: str, units: Mapping[str, Decimal]) -> str:
    """Return the one of ``units`` that has this name or another one, such as ``sec``; empty if none has."""
    if name in units:
        return name
    kinds = dict.fromkeys(unit[-1] for unit in units)
    names = [_NAMES.get(f"{kind} {name.lower()}", "") for kind in kinds]
    return next((unit for unit in names if unit in units), "")


def _sum(parts: list[tuple[Decimal, str]], units: Mapping[str, Decimal]) -> str:
    """Return several durations as one, in the largest unit that divides it."""
    seconds = sum((number * units[unit] for number, unit in parts), Decimal(0))
    unit = next((unit for unit in ("h", "min") if seconds and seconds % units[unit] == 0), "s")
    return f"{_written(seconds / units[unit])}{unit}"


def _written(number: Decimal) -> str:
    return f"{number.normalize():f}"
