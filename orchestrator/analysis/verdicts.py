"""Verdicts of comparisons and of claims, and the rules that both follow.

Environments
    Two figures are compared only if they were measured in the same environment. Claims are about ratios inside one
    run, so they are compared wherever durations have the same meaning. Nothing is compared in an environment whose
    durations have no meaning.

Metrics
    Figures in other units are converted. Nothing is compared where that is impossible, or where the runs disagree on
    which direction is better.

Zero
    A figure of 0 has no ratio. Direction decides: work per time that is 0 in every trial is worse than any that is not.

Noise
    A verdict needs all plausible values on one side of its limits. Comparisons take the confidence interval for the
    plausible values, claims the range of single trials.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from enum import StrEnum

from orchestrator.environments import meaning
from orchestrator.results.records import MetricInfo
from orchestrator.sample_size import min_sample_size
from orchestrator.units import conversion

Range = tuple[float, float]
"""Least and greatest of some values."""

OVERLAP = "too noisy: single trials overlap"


class Verdict(StrEnum):
    """The outcome of comparing two figures (the first seven) or of judging a claim by another run (the others)."""

    FASTER = "faster"
    SLOWER = "slower"
    NO_DIFFERENCE = "no difference"
    TOO_FEW = "too few"
    TOO_NOISY = "too noisy"
    SAME_TRIALS = "the same trials"
    NOT_COMPARED = "not compared"
    HOLDS = "holds"
    DOES_NOT_HOLD = "does not hold"
    CANNOT_BE_JUDGED = "cannot be judged"

    @property
    def is_decided(self) -> bool:
        """Whether the data give an answer."""
        return self in (
            *(Verdict.FASTER, Verdict.SLOWER, Verdict.NO_DIFFERENCE),
            *(Verdict.HOLDS, Verdict.DOES_NOT_HOLD),
        )


def meaningless(environments: Collection[str]) -> str:
    """Return a message if durations have no meaning in some of the environments, else an empty string."""
    names = sorted(environment for environment in environments if meaning(environment) == "nothing")
    return f"durations in {' and '.join(names)} have no meaning" if names else ""


def figures_differ(base: str, new: str) -> str:
    """Return why figures of two environments cannot be compared; empty if they can."""
    if base != new:
        return f"environments differ: {base}, {new}"
    return meaningless({base})


def shapes_differ(bundle: Collection[str], local: Collection[str]) -> str:
    """Return why ratios of a bundle's run and of a local run cannot be compared; empty if they can.

    :param bundle: environments of the bundle's run; ``local``: those of the local run.
    """
    sides = [", ".join(sorted(environments)) for environments in (bundle, local)]
    meanings = [{meaning(environment) for environment in side} for side in (bundle, local)]
    if any(len(side) > 1 for side in meanings):
        return f"environments are mixed: {sides[0]} in the bundle, {sides[1]} in the local run"
    if message := meaningless({*bundle, *local}):
        return message
    if meanings[0] != meanings[1]:
        one, other = ("".join(side) or "missing" for side in meanings)
        return f"figures are {one} in the bundle ({sides[0]}) and {other} in the local run ({sides[1]})"
    return ""


def metrics_differ(base: MetricInfo, new: MetricInfo, sides: tuple[str, str]) -> str:
    """Return why figures of one metric of two runs cannot be compared; empty if they can.

    :param sides: names of the two runs.
    """
    directions = {metric.better for metric in (base, new)} - {"neither"}
    if len(directions) > 1:
        return f"{base.better} is better in {sides[0]}, {new.better} is better in {sides[1]}"
    if conversion(new.unit, base.unit) is None:
        return (
            f"the unit is {base.unit or 'not given'} in {sides[0]}, {new.unit or 'not given'} in {sides[1]}"
        )
    return ""


def inside(values: Range, limits: Range) -> bool:
    """Whether all values lie within the limits."""
    return limits[0] <= values[0] and values[1] <= limits[1]


def outside(values: Range, limits: Range) -> bool:
    """Whether all values lie beyond the same limit."""
    return values[1] < limits[0] or values[0] > limits[1]


def too_few(counts: Sequence[int], unit: str, confidence: float) -> str:
    """Return a message if a sample has too few units for an interval, else an empty string.

    :param counts: number of units (``unit``: boot or trial) of each sample.
    """
    needed = min_sample_size(confidence)
    if min(counts) >= needed:
        return ""
    return f"{' and '.join(map(str, counts))} {unit}s, an interval needs {needed}"
