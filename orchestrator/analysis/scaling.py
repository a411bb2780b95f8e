"""Where scaling ends: from which number of threads on more of them do not help."""

from __future__ import annotations

from collections.abc import Sequence

from orchestrator.analysis.points import Point, Points

FLAT = (1.02, 1.10)
"""More threads do not help if they gain less than this ratio: by the strictest and by the most generous reading."""


def curve(run: Points, group: Sequence[Point]) -> list[Point]:
    """Return the points of one mode by threads, with the baseline in front if it has fewer threads than all of them."""
    points = sorted(
        (p for p in group if p.ok and p.threads is not None), key=lambda point: point.threads or 0
    )
    baseline = run.baseline_of(points[0]) if points else None
    starts = baseline is not None and baseline.ok and baseline.rest == points[0].rest
    if baseline and starts and baseline.threads is not None and baseline.threads < (points[0].threads or 0):
        points.insert(0, baseline)
    return points


def ends(curve: Sequence[Point], noisy: bool = False) -> list[int]:
    """Return the swept numbers of threads at which scaling may end, from the strictest to the most generous reading.

    ``noisy``: also by the ranges of single trials.
    """
    strict, generous = _end(curve, FLAT[0], 1 if noisy else None), _end(curve, FLAT[1], 0 if noisy else None)
    numbers = [point.threads or 0 for point in curve]
    return [number for number in numbers if generous <= number <= strict]


def _end(curve: Sequence[Point], limit: float, edge: int | None) -> int:
    """Return the fewest threads over which no larger number gains ``limit``.

    :param edge: None: by medians; 0 or 1: by the lower or upper end of the ranges of single trials.
    """
    for index, point in enumerate(curve):
        gains = (
            more.over(point) if edge is None else more.range_over(point)[edge] for more in curve[index + 1 :]
        )
        if all(gain < limit for gain in gains):
            return point.threads or 0
    return curve[-1].threads or 0


def ends_in_words(curve: Sequence[Point]) -> str:
    """Return the numbers of threads at which scaling may end, such as ``4 to 8``."""
    numbers = ends(curve)
    return f"{numbers[0]}" if len(numbers) == 1 else f"{numbers[0]} to {numbers[-1]}"
