"""Whether the median of a cell is known as well as ``repetitions: until:`` asks."""

from __future__ import annotations

from orchestrator.analysis import values
from orchestrator.analysis.intervals import of_median
from orchestrator.analysis.values import Units
from orchestrator.experiment.model import Until


def is_precise(boots: Units, unit: str, until: Until) -> bool:
    """Whether there are values enough, and the interval of their median is narrow enough."""
    found = [value for boot in boots for value in boot]
    if len(found) < until.least:
        return False
    interval, _ = of_median(boots, unit, until.confidence)
    median = values.median(found, unit)
    return interval is not None and interval.high - interval.low <= 2 * until.half_width * median
