"""Figures and foreign text as words of a table."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath

from orchestrator.analysis.intervals import Interval
from orchestrator.analysis.summary import Estimate
from orchestrator.experiment.model import Status
from orchestrator.results.store import Verification
from orchestrator.units import plural

NOTHING = "-"
NOT_CHECKED = "not checked"
_DIGITS = 4
"""Significant digits of a median; more than any machine repeats."""
_LONGEST = 240


def number(value: float) -> str:
    """Return a figure with four significant digits, whole from 1000 on, without an exponent where one can do without.

    >>> number(3.30251), number(658.54), number(33554432.0), number(0.0)
    ('3.303', '658.5', '33554432', '0')
    """
    return f"{value:.{_decimals(value)}f}" if 1e-6 <= abs(value) < 1e15 else f"{value:.4g}"


def count(value: float) -> str:
    """Return a figure that is most often a whole number: without decimals if it is one."""
    return f"{value:.0f}" if value.is_integer() else number(value)


def estimate(found: Estimate | None) -> str:
    """Return ``median [low, high]`` where there is an interval, else ``median ± spread``, to the places of the median.

    The median stands alone if it is the only value. A spread too small for those places is said to be less than the
    last of them, never to be zero.
    """
    if found is None:
        return NOTHING
    median, spread = number(found.median), found.spread.value
    if found.interval is not None:
        return f"{median} {limits(found.interval, found.median)}"
    if spread is None:
        return median
    if not 1e-6 <= abs(found.median) < 1e15:
        return f"{median} ± {spread:.1g}"
    places = _decimals(found.median)
    text = f"{spread:.{places}f}"
    return f"{median} ± {text}" if float(text) or not spread else f"{median} ± <{10**-places:.{places}f}"


def limits(found: Interval, around: float) -> str:
    """Return an interval to the places of the figure that it is around."""
    if not 1e-6 <= abs(around) < 1e15:
        return f"[{number(found.low)}, {number(found.high)}]"
    places = _decimals(around)
    return f"[{found.low:.{places}f}, {found.high:.{places}f}]"


def ratio(found: float | None, interval: Interval | None = None) -> str:
    """Return a speed-up as a figure, with its interval if there is one, or the sign for none."""
    if found is None:
        return NOTHING
    return number(found) + (f" {limits(interval, found)}" if interval else "")


def verification(found: Verification | None, n: int, counts: bool = True) -> str:
    """Return what is known of the pages and bytes behind the figures of ``n`` trials.

    Without ``counts`` it does not say how many pages there were if all of them are on their target.
    """
    if not n:
        return NOTHING
    if found is None:
        return NOT_CHECKED
    parts = []
    if found.pages:
        on_target = found.pages_on_target or 0
        all_there = on_target == found.pages and not counts
        parts.append("all pages on target" if all_there else f"{on_target}/{found.pages} pages")
    parts.append(
        f"{plural(found.bytes_wrong or 0, 'byte')} wrong" if found.bytes_checked else "bytes not checked"
    )
    return ", ".join(parts) + (f" ({found.trials} of {n} trials)" if found.trials < n else "")


def size(number: int) -> str:
    """Return bytes in the largest unit that leaves a whole part, such as ``487 MiB`` or ``1.5 GiB``."""
    value, unit = float(number), "byte" if number == 1 else "bytes"
    for larger in ("KiB", "MiB", "GiB", "TiB"):
        if value < 1024:
            break
        value, unit = value / 1024, larger
    return f"{value:.4g} {unit}" if value < 100 else f"{value:.0f} {unit}"


def not_ok(statuses: Mapping[str, int]) -> str:
    """Return the counts of trials that ran and are not ``ok``, such as ``unsupported 3``; empty if there are none."""
    fine = (Status.OK, Status.SKIPPED)
    return ", ".join(f"{status} {count}" for status, count in statuses.items() if status not in fine)


def progress(statuses: Mapping[str, int], planned: int, noun: str = " trials") -> str:
    """Return how many of the planned trials have run, and how many need not.

    >>> progress({"ok": 60}, 60), progress({"ok": 36, "skipped": 24}, 60)
    ('60 of 60 trials', '36 of 60 trials, the other 24 not needed')
    """
    unneeded = statuses.get(Status.SKIPPED, 0)
    run = sum(statuses.values()) - unneeded
    rest = "the other " if run + unneeded == planned else ""
    return f"{run} of {planned}{noun}" + (f", {rest}{unneeded} not needed" if unneeded else "")


def sentence(words: str) -> str:
    """Return words with the full stop that they lack.

    >>> sentence("Who is faster?"), sentence("All there is")
    ('Who is faster?', 'All there is.')
    """
    return words if words.endswith((".", "?", "!", "…")) else f"{words}."


def span(numbers: Sequence[int], noun: str) -> str:
    """Return the only one of rising numbers, or their range, with its noun.

    >>> span([1], "boot"), span([4, 5, 6], "time")
    ('1 boot', '4 to 6 times')
    """
    last = plural(numbers[-1], noun)
    return last if len(numbers) == 1 else f"{numbers[0]} to {last}"


def command_line(words: Sequence[str]) -> str:
    """Return a command in one line, its program without the folder it lies in.

    >>> command_line(["/usr/bin/migspeed", "-p", "{pages}"])
    'migspeed -p {pages}'
    """
    return " ".join([PurePosixPath(words[0]).name, *words[1:]]) if words else ""


def plain(text: str, longest: int = _LONGEST) -> str:
    """Return foreign text as one line that no terminal takes for commands, cut to ``longest`` characters.

    What a benchmark printed may hold anything: escape sequences, newlines, halves of characters.
    """
    line = "".join(c if c.isprintable() else " " for c in text)
    line = " ".join(line.split())
    return line if len(line) <= longest else line[: longest - 1] + "…"


def for_encoding(text: str, encoding: str) -> str:
    """Return the text in characters that a stream of this encoding takes, our own few signs spelt out if need be."""
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        text = text.replace("±", "+-").replace("…", "...")
        return text.encode(encoding, "backslashreplace").decode(encoding)
    return text


def _decimals(value: float) -> int:
    return max(0, _DIGITS - 1 - math.floor(math.log10(abs(value)))) if value else 0
