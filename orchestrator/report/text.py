"""Figures and text from benchmarks and hosts, formatted for tables."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from orchestrator.analysis.intervals import Interval
from orchestrator.analysis.summary import Estimate
from orchestrator.experiment.model import Status
from orchestrator.results.store import Verification
from orchestrator.units import plural

NOTHING = "-"
NOT_CHECKED = "not checked"
_DIGITS = 4
"""Significant digits of a figure."""
_LONGEST = 240


def number(value: float) -> str:
    """Return a figure with four significant digits, as a whole number from 1000 on, with an exponent only at extremes.

    >>> number(3.30251), number(658.54), number(33554432.0), number(0.0)
    ('3.303', '658.5', '33554432', '0')
    """
    return f"{value:.{_decimals(value)}f}" if 1e-6 <= abs(value) < 1e15 else f"{value:.4g}"


def count(value: float) -> str:
    """Return a figure without decimals if it is a whole number."""
    return f"{value:.0f}" if value.is_integer() else number(value)


def estimate(figure: Estimate | None) -> str:
    """Return ``median [low, high]`` if there is an interval, else ``median ± spread``, with the decimals of the median.

    A single value has no spread. A spread too small for these decimals is written as less than the last one, not as 0.
    """
    if figure is None:
        return NOTHING
    median, spread = number(figure.median), figure.spread.value
    if figure.interval is not None:
        return f"{median} {limits(figure.interval, figure.median)}"
    if spread is None:
        return median
    if not 1e-6 <= abs(figure.median) < 1e15:
        return f"{median} ± {spread:.1g}"
    places = _decimals(figure.median)
    text = f"{spread:.{places}f}"
    return f"{median} ± {text}" if float(text) or not spread else f"{median} ± <{10**-places:.{places}f}"


def limits(interval: Interval, around: float) -> str:
    """Return an interval with the decimals of its figure."""
    if not 1e-6 <= abs(around) < 1e15:
        return f"[{number(interval.low)}, {number(interval.high)}]"
    places = _decimals(around)
    return f"[{interval.low:.{places}f}, {interval.high:.{places}f}]"


def ratio(value: float | None, interval: Interval | None = None) -> str:
    """Return a speed-up with its interval if there is one; a dash for none."""
    if value is None:
        return NOTHING
    return number(value) + (f" {limits(interval, value)}" if interval else "")


def verification(result: Verification | None, n: int, counts: bool = True) -> str:
    """Return the verification result for the figures of ``n`` trials.

    Without ``counts``, the number of pages is omitted if all are on their target.
    """
    if not n:
        return NOTHING
    if result is None:
        return NOT_CHECKED
    parts = []
    if result.pages:
        on_target = result.pages_on_target or 0
        complete = on_target == result.pages and not counts
        parts.append("all pages on target" if complete else f"{on_target}/{result.pages} pages")
    parts.append(
        f"{plural(result.bytes_wrong or 0, 'byte')} wrong" if result.bytes_checked else "bytes not checked"
    )
    return ", ".join(parts) + (f" ({result.trials} of {n} trials)" if result.trials < n else "")


def size(number: int) -> str:
    """Return bytes in the largest unit with a value of 1 or more, such as ``487 MiB`` or ``1.5 GiB``."""
    value, unit = float(number), "byte" if number == 1 else "bytes"
    for larger in ("KiB", "MiB", "GiB", "TiB"):
        if value < 1024:
            break
        value, unit = value / 1024, larger
    return f"{value:.4g} {unit}" if value < 100 else f"{value:.0f} {unit}"


def not_ok(statuses: Mapping[str, int]) -> str:
    """Return the numbers of trials that ran and are not ``ok``, such as ``unsupported 3``; empty if there are none."""
    fine = (Status.OK, Status.SKIPPED)
    return ", ".join(f"{status} {count}" for status, count in statuses.items() if status not in fine)


def progress(statuses: Mapping[str, int], planned: int, noun: str = " trials") -> str:
    """Return how many of the planned trials have run, and how many were not needed.

    >>> progress({"ok": 60}, 60), progress({"ok": 36, "skipped": 24}, 60)
    ('60 of 60 trials', '36 of 60 trials, the other 24 not needed')
    """
    unneeded = statuses.get(Status.SKIPPED, 0)
    run = sum(statuses.values()) - unneeded
    rest = "the other " if run + unneeded == planned else ""
    return f"{run} of {planned}{noun}" + (f", {rest}{unneeded} not needed" if unneeded else "")


def sentence(words: str) -> str:
    """Return words with a full stop if they lack one.

    >>> sentence("Who is faster?"), sentence("All there is")
    ('Who is faster?', 'All there is.')
    """
    return words if words.endswith((".", "?", "!", "…")) else f"{words}."


def span(numbers: Sequence[int], noun: str) -> str:
    """Return a range of numbers (in rising order), or the only one, with its noun.

    >>> span([1], "boot"), span([4, 5, 6], "time")
    ('1 boot', '4 to 6 times')
    """
    last = plural(numbers[-1], noun)
    return last if len(numbers) == 1 else f"{numbers[0]} to {last}"


def plain(text: str, longest: int = _LONGEST) -> str:
    """Return untrusted text as one printable line of at most ``longest`` characters.

    The output of a benchmark may contain anything: escape sequences, newlines, parts of characters.
    """
    line = "".join(c if c.isprintable() else " " for c in text)
    line = " ".join(line.split())
    return line if len(line) <= longest else line[: longest - 1] + "…"


def for_encoding(text: str, encoding: str) -> str:
    """Return the text in characters that the encoding has; ± and … become +- and ..., others are escaped."""
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        text = text.replace("±", "+-").replace("…", "...")
        return text.encode(encoding, "backslashreplace").decode(encoding)
    return text


def _decimals(value: float) -> int:
    return max(0, _DIGITS - 1 - math.floor(math.log10(abs(value)))) if value else 0
