"""Values of a figure by boot, and how they are averaged."""

from __future__ import annotations

import re
import statistics
from collections.abc import Sequence

Units = tuple[tuple[float, ...], ...]
"""Values by boot: one tuple for each boot, in order of first appearance."""

RESAMPLES = 1999
"""Efron and Tibshirani (1993), sections 14.3 and 19.3, take 1000 to 2000 for limits of 90 to 95 %."""

_RATE = re.compile(r"/(ns|us|ms|s|min|h)$")


def is_rate(unit: str) -> bool:
    """Whether a unit is work per time.

    >>> is_rate("GiB/s"), is_rate("us"), is_rate("s/GiB")
    (True, False, False)
    """
    return _RATE.search(unit) is not None


def median(values: Sequence[float], unit: str) -> float:
    """Return the median of one value or more; of rates, the median of the times for the same work.

    The two differ if the median lies between two values: rates are averaged harmonically (T. Hoefler, R.
    Belli, *Scientific Benchmarking of Parallel Computing Systems*, SC '15, section 3.1.1).

    >>> median([2.0, 6.0], "us"), median([2.0, 6.0], "GiB/s")
    (4.0, 3.0)
    """
    if is_rate(unit) and min(values) > 0 and len(values) % 2 == 0:
        return 1 / statistics.median([1 / value for value in values])
    return statistics.median(values)
