"""Which figures of two runs may be set against each other: environments are never mixed in silence."""

from __future__ import annotations

from orchestrator.analysis.points import Point, Points
from orchestrator.environments import meaning


def unlike(there: Points, here: Points) -> str:
    """Return why figures of two runs must not be set against each other; empty where they may."""
    sides = [sorted({point.environment for point in run.all}) for run in (there, here)]
    meanings = [{meaning(environment) for environment in side} for side in sides]
    if any(len(side) > 1 for side in meanings):
        return f"environments are mixed: {', '.join(sides[0])} there, {', '.join(sides[1])} here"
    if "nothing" in meanings[0] | meanings[1]:
        return f"no time of {' or '.join(sorted({*sides[0], *sides[1]}))} means anything"
    if meanings[0] != meanings[1]:
        (one,), (other,) = meanings
        return f"figures are {one or 'none'} there ({', '.join(sides[0])}) and {other} here ({', '.join(sides[1])})"
    return ""


def comparable(point: Point, here: Points) -> Point | None:
    """Return the same cell here, if it has a figure of the same metric and label."""
    found = here.at(point.key)
    if found is None or not found.ok or found.metric != point.metric:
        return None
    return found if found.cell.label == point.cell.label else None
