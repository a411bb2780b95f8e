"""Lists of CPUs or NUMA nodes as the kernel writes them, such as ``0-3,8``."""

from __future__ import annotations

import re
from collections.abc import Iterable

from orchestrator.errors import BadInput

MAX_NUMBER = 2**20 - 1
"""More than any CPU, node or port has."""


def parse_cpus(text: str) -> frozenset[int]:
    """Return ``{0, 1, 2, 8}`` for ``0-2,8``; empty for an empty text. ``BadInput`` for other text."""
    numbers: set[int] = set()
    size = 0
    for part in text.split(",") if text else ():
        match = re.fullmatch(r"([0-9]{1,7})(?:-([0-9]{1,7}))?", part)
        first, last = (int(match[1]), int(match[2] or match[1])) if match else (1, 0)
        size += last - first + 1  # also of numbers that the list repeats
        if last < first or last > MAX_NUMBER or size > MAX_NUMBER + 1:
            raise BadInput(f"invalid list of CPUs '{text}'")
        numbers.update(range(first, last + 1))
    return frozenset(numbers)


def format_cpus(numbers: Iterable[int]) -> str:
    """Return ``0-2,8`` for ``[0, 1, 2, 8]``."""
    ranges: list[list[int]] = []
    for number in sorted(numbers):
        if ranges and number == ranges[-1][1] + 1:
            ranges[-1][1] = number
        else:
            ranges.append([number, number])
    return ",".join(str(first) if first == last else f"{first}-{last}" for first, last in ranges)
