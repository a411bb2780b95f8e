"""Whether the two sides of a row can be compared, and what a reader must know about them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from orchestrator.analysis.samples import Sample
from orchestrator.analysis.verdicts import figures_differ, meaningless
from orchestrator.results.records import MetricInfo

Key = tuple[tuple[tuple[str, str], ...], str]
"""Sorted levels and environment."""


def key(factors: Mapping[str, str], ignored: Collection[str], environment: str) -> Key:
    """Return what the same cell has in common in several runs: its levels, except of some factors, and environment."""
    return tuple(sorted(item for item in factors.items() if item[0] not in ignored)), environment


def incomparable(base: Sample | None, new: Sample | None, mix: bool) -> str:
    """Return why two sides cannot be compared; empty if they can."""
    if base is None or new is None:
        return f"the {'baseline' if base is None else 'new side'} has no such cell"
    for sample, side in ((base, "baseline"), (new, "new side")):
        if not sample.n:
            return f"no trial of the {side} has a figure"
    differ = "" if mix else figures_differ(base.environment, new.environment)
    if differ:
        return differ
    if base.label != new.label:
        return f"labels differ: {base.label or 'none'}, {new.label or 'none'}"
    return ""


def shared_trials(base: Sample, new: Sample) -> int:
    """Return how many trials both sides have, as one is a copy of the other: such sides are not independent."""
    return len(base.trials & new.trials)


def note(base: Sample | None, new: Sample | None, metric: MetricInfo, medians: Sequence[float | None]) -> str:
    """Return caveats on a pair of sides, and how many percentage points lie between figures in percent."""
    if base is None or new is None:
        return ""
    notes = []
    if metric.unit == "%" and None not in medians:
        old, now = (value or 0.0 for value in medians)
        notes.append(f"{now - old:+.3g} percentage points")
    for side, name in ((base, "baseline"), (new, "new side")):
        if side.converted:
            notes.append(f"{name} converted from {side.converted}")
    if base.environment != new.environment:
        notes.append(f"MIXED ENVIRONMENTS: {base.environment} against {new.environment}")
    if message := meaningless({base.environment, new.environment}):
        notes.append(message)
    if base.exact:
        return "; ".join([*notes, "published figure without spread"])
    if set(base.hosts) != set(new.hosts):
        notes.append(f"other hosts: {', '.join(base.hosts)} against {', '.join(new.hosts)}")
    if base.cell != new.cell and base.factors.get("kernel") == new.factors.get("kernel"):
        notes.append("command or settings differ")
    return "; ".join(notes)
