"""Parse and format sizes, durations, frequencies, shares and lengths: ``4KiB``, ``500ms``, ``5%``, ``89mm``.

Sizes are integer numbers of bytes, durations are seconds. ``KiB`` is 1024 bytes, ``kB`` is 1000 (IEC 80000-13).
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction

from orchestrator.environments import clock_of
from orchestrator.errors import BadInput
from orchestrator.meant_units import LONGEST, meant_quantity, named_unit

MIB = 1024**2
GIB = 1024**3

SIZES: Mapping[str, int] = {
    "B": 1,
    "KiB": 1024,
    "MiB": MIB,
    "GiB": GIB,
    "TiB": 1024**4,
    "kB": 1000,
    "MB": 1000**2,
    "GB": 1000**3,
    "TB": 1000**4,
}

DURATIONS: Mapping[str, Decimal] = {
    "ns": Decimal("1e-9"),
    "us": Decimal("1e-6"),
    "ms": Decimal("1e-3"),
    "s": Decimal(1),
    "min": Decimal(60),
    "h": Decimal(3600),
    "d": Decimal(86400),
}

FREQUENCIES: Mapping[str, Decimal] = {
    "Hz": Decimal(1),
    "kHz": Decimal(1000),
    "MHz": Decimal(10) ** 6,
    "GHz": Decimal(10) ** 9,
}

SHARES: Mapping[str, Decimal] = {"1": Decimal(1), "ratio": Decimal(1), "%": Decimal("0.01")}

LENGTHS: Mapping[str, Decimal] = {
    "in": Decimal(72),
    "cm": Decimal(72) / Decimal("2.54"),
    "mm": Decimal(72) / Decimal("25.4"),
    "pt": Decimal(1),
}

_QUANTITY = re.compile(r"([0-9]{1,20}(?:\.[0-9]{1,9})?) ?([A-Za-zµ]+)")
_NUMBER = re.compile(r"[0-9]{1,20}(?:\.[0-9]{1,9})?")
_SHARE = re.compile(r"([0-9]{1,2}(?:\.[0-9]{1,4})?) ?%?")
_MAX_SIZE = 2**63 - 1


def parse_size(text: str | int) -> int:
    """Return a size in bytes; a plain number is in bytes.

    Raises ``BadInput`` with the closest known unit.
    """
    value = _parse(str(text), {unit: Decimal(factor) for unit, factor in SIZES.items()}, "size", "2MiB")
    if value != value.to_integral_value():
        raise BadInput(f"'{text}' is not an integer number of bytes")
    if value > _MAX_SIZE:
        raise BadInput(f"'{text}' is too large (limit 2^63 - 1 bytes)")
    return int(value)


def parse_age(text: str) -> float:
    """Return a duration in seconds, of which a number alone could be days as well as seconds.

    Raises ``BadInput`` with the closest known unit, and if there is no unit.
    """
    if _NUMBER.fullmatch(text):
        raise BadInput(f"duration '{text}' has no unit; known: {', '.join(DURATIONS)}")
    return parse_duration(text)


def parse_duration(text: str | float) -> float:
    """Return a duration in seconds; a plain number is in seconds.

    Raises ``BadInput`` with the closest known unit.
    """
    if isinstance(text, int | float):
        if not math.isfinite(text) or text < 0:
            raise BadInput(f"invalid duration '{text}'; expected a number with a unit, such as '60s'")
        return float(text)
    return float(_parse(text, DURATIONS, "duration", "60s"))


def parse_frequency(text: str | float) -> float:
    """Return a frequency in hertz; a plain number is in hertz.

    Raises ``BadInput`` with the closest known unit.
    """
    return float(_parse(str(text), FREQUENCIES, "frequency", "2.4GHz"))


def parse_share(text: str) -> float:
    """Return a share as a fraction: 0.02 for ``2%``.

    Raises ``BadInput`` unless it is from 0 % to below 100 %.
    """
    match = _SHARE.fullmatch(text.strip())
    if match is None:
        hint = _hint(meant_share(text), "expected a percentage below 100, such as 5%")
        raise BadInput(f"invalid share {_shown(text)!r}; {hint}")
    return float(Decimal(match.group(1)) / 100)


def parse_length(text: str) -> float:
    """Return a length on paper in points of 1/72 inch.

    Raises ``BadInput`` with the closest known unit, and if there is no unit.
    """
    if _NUMBER.fullmatch(text):
        raise BadInput(f"length '{text}' has no unit; known: {', '.join(LENGTHS)}")
    return float(_parse(text, LENGTHS, "length", "89mm"))


def meant_share(text: str | float) -> str:
    """Return the percentage that is meant: ``95%`` for ``0.95``, ``5%`` for ``5 percent``; empty if none is."""
    words = str(text)
    if len(words) > LONGEST:
        return ""
    found = re.fullmatch(r"([0-9]*[.,]?[0-9]+)[.,]? ?(%|pct|per ?cent)?", words.strip().lower())
    if found is None:
        return ""
    number = Decimal(found[1].replace(",", "."))
    percent = number if found[2] or number >= 1 else number * 100
    written = f"{percent.normalize():f}%"
    return written if _SHARE.fullmatch(written) else ""


def parse_quantity(text: str) -> int | float | None:
    """Return bytes for a size with a unit, seconds for a duration with a unit, otherwise None."""
    match = _QUANTITY.fullmatch(text)
    if match is None:
        return None
    number, unit = match.groups()
    if unit in SIZES:
        size = Decimal(number) * SIZES[unit]
        return int(size) if size == size.to_integral_value() and size <= _MAX_SIZE else None
    if unit in DURATIONS:
        return float(Decimal(number) * DURATIONS[unit])
    return None


def conversion(unit: str, other: str) -> float | None:
    """Return the factor that turns figures in ``unit`` into figures in ``other``; None if there is none.

    A part before or after ``/`` that is no size, duration, frequency or share must be the same in both.

    >>> conversion("us", "ms"), conversion("MiB/s", "GiB/s"), conversion("faults/ms", "faults/s"), conversion("s", "B")
    (0.001, 0.0009765625, 1000.0, None)
    """
    ours, theirs = unit.split("/"), other.split("/")
    if len(ours) != len(theirs) or len(ours) > 2:
        return None
    factors = [_factor(a.strip(), b.strip()) for a, b in zip(ours, theirs, strict=True)]
    known = [factor for factor in factors if factor is not None]
    if len(known) < len(factors):
        return None
    return float(known[0] / known[1] if len(known) > 1 else known[0])


def better(unit: str) -> str:
    """Return which figures in a unit are better, ``lower`` or ``higher``; empty if the unit does not say.

    Lower times are, also per item; higher rates are, of anything per time.

    >>> better("seconds"), better("ns/page"), better("GiB/s"), better("cycles"), better("ms/s")
    ('lower', 'lower', 'higher', '', '')
    """
    match [bool(named_unit(part.strip(), DURATIONS)) for part in unit.split("/")]:
        case [True] | [True, False]:
            return "lower"
        case [False, True]:
            return "higher"
        case _:
            return ""


def _factor(unit: str, other: str) -> Fraction | None:
    """Return how many of ``other`` one ``unit`` is."""
    if unit == other:
        return Fraction(1)
    for units in (SIZES, DURATIONS, FREQUENCIES, SHARES):
        ours, theirs = (units.get(name.replace("µ", "u").replace("μ", "u")) for name in (unit, other))
        if ours is not None and theirs is not None:
            return Fraction(ours) / Fraction(theirs)
    return None


def correct_size(text: str) -> str | None:
    """Return ``text`` with the unit that is meant if the case of the unit is wrong (``2mib``), otherwise None."""
    match = _QUANTITY.fullmatch(text)
    if match is None or match[2] in SIZES or match[2] in DURATIONS:
        return None
    is_known = any(unit.lower() == match[2].lower() and unit != "B" for unit in SIZES)
    return binary_size(text) if is_known else None


def binary_size(text: str) -> str | None:
    """Return a size with its unit of powers of 1024: ``4KiB`` for ``4K``, ``4k`` and ``4kB``; None if it has none.

    Page sizes are such sizes, and Linux and many programs write ``kB`` and ``K`` for 1024.
    """
    match = _QUANTITY.fullmatch(text)
    unit = _binary_unit(match[2]) if match else None
    return f"{match[1]}{unit}" if match and unit else None


def _binary_unit(unit: str) -> str | None:
    match = re.fullmatch("([KMGT])(?:I?B?)", unit.upper())
    return f"{match[1]}iB" if match else None


def is_number_with_letters(text: str) -> bool:
    """Return whether ``text`` is a number followed by letters, such as a quantity with an unknown unit."""
    return _QUANTITY.fullmatch(text) is not None


def format_size(size: int) -> str:
    """Format a number of bytes with the largest unit that divides it: ``2097152`` is ``2MiB``, ``0`` is ``0B``."""
    for units in (("TiB", "GiB", "MiB", "KiB"), ("TB", "GB", "MB", "kB")):
        for unit in units:
            if size and size % SIZES[unit] == 0:
                return f"{size // SIZES[unit]}{unit}"
    return f"{size}B"


def format_duration(seconds: float) -> str:
    """Format seconds, rounded: ``0.25`` is ``250ms``, ``90`` is ``1min 30s``, ``7500`` is ``2h 5min``."""
    if 0 < seconds < 1:
        return f"{seconds * 1000:.3g}ms"
    if seconds < 10:
        return f"{seconds:.3g}s"
    whole = round(seconds)
    hours, minutes, rest = whole // 3600, whole % 3600 // 60, whole % 60
    parts = [(hours, "h"), (minutes, "min"), (0 if hours else rest, "s")]
    return " ".join(f"{number}{unit}" for number, unit in parts if number)


def format_limit(seconds: float, environment: str) -> str:
    """Format a time limit of a host: ``5s``, or ``5s of guest time`` where its clock counts instructions."""
    return format_duration(seconds) + (" of guest time" if clock_of(environment) == "instructions" else "")


def _parse(text: str, units: Mapping[str, Decimal], kind: str, example: str) -> Decimal:
    if _NUMBER.fullmatch(text):
        return Decimal(text)
    match = _QUANTITY.fullmatch(text)
    if match is None:
        hint = _hint(_accepted(text, units), f"expected a number with a unit, such as '{example}'")
        raise BadInput(f"invalid {kind} '{_shown(text)}'; {hint}")
    number, unit = match.groups()
    if unit in units:
        return Decimal(number) * units[unit]
    hint = _hint(_accepted(text, units), f"known units: {', '.join(units)}")
    raise BadInput(f"unknown unit '{_shown(unit)}' in {kind} '{_shown(text)}'; {hint}")


def _accepted(text: str, units: Mapping[str, Decimal]) -> str:
    """Return what is meant by ``text`` if it is accepted; otherwise empty."""
    meant = meant_quantity(text, units)
    return meant if _NUMBER.fullmatch(meant) or _QUANTITY.fullmatch(meant) else ""


def _shown(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"


def _hint(meant: str, otherwise: str) -> str:
    return f"did you mean '{meant}'?" if meant else otherwise


def plural(number: int, noun: str) -> str:
    """Return a number with its noun, in the plural unless it is 1.

    >>> plural(1, "boot"), plural(6, "boot")
    ('1 boot', '6 boots')
    """
    return f"{number} {noun}{'s' * (number != 1)}"
