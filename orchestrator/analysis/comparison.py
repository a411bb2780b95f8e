"""Two sides, cell by cell: a ratio with its interval, a test over the family of all cells, a verdict.

A ratio is turned so that more than 1 is better, as speed-ups are. A rate is compared as time for a piece of work, so
that throughput and latency of the same trials give the same ratio: what is averaged is time, not rate (T. Hoefler,
R. Belli, *Scientific Benchmarking of Parallel Computing Systems*, SC '15, section 3.1.1: rates by the harmonic mean).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from orchestrator.analysis import values
from orchestrator.analysis.bootstrap import median, ratio_interval
from orchestrator.analysis.multiple import holm
from orchestrator.analysis.samples import Sample
from orchestrator.analysis.significance import permutation_p, sign_p, smallest_p, smallest_sign_p
from orchestrator.analysis.values import Units, is_rate
from orchestrator.results.records import MetricInfo
from orchestrator.sample_size import min_sample_size

NOT_PUBLISHED = "nothing was published of this cell"
Verdict = Literal["faster", "slower", "no difference", "too noisy", "not compared"]


@dataclass(frozen=True, slots=True)
class Rules:
    """How to judge.

    :ivar confidence: of intervals; 1 less it is the chance of any false "faster" or "slower" in the whole family.
    :ivar margin: a relative difference that does not matter: 0.02 for 2 %; 0: any does.
    :ivar unit: what is taken as drawn independently. ``trial`` is for where there is one boot only: what differs
        between boots then passes for a difference of the two sides.
    :ivar mix: compare figures of different environments.
    """

    confidence: float = 0.95
    margin: float = 0.02
    unit: Literal["boot", "trial"] = "boot"
    mix: bool = False


@dataclass(frozen=True, slots=True)
class Row:
    """One cell and metric on both sides.

    :ivar factors: the levels that both sides share.
    :ivar ratio: of the medians, more than 1: ``new`` is better; None where there is none, for the ``reason``.
    :ivar interval: of the ratio; None where there are too few boots (or trials, if these are the unit).
    :ivar p: of this test alone; ``adjusted``: for the family.
    :ivar seed: of the random numbers behind interval and test.
    :ivar note: what a reader must know of this row, such as that environments are mixed.
    """

    metric: MetricInfo
    factors: Mapping[str, str]
    base: Sample | None
    new: Sample | None
    base_median: float | None = None
    new_median: float | None = None
    ratio: float | None = None
    interval: tuple[float, float] | None = None
    p: float | None = None
    adjusted: float | None = None
    verdict: Verdict = "not compared"
    reason: str = ""
    seed: int = 0
    note: str = ""

    @property
    def vanished(self) -> bool:
        """Whether there were figures on the one side, and none of them are left on the new one."""
        return bool(self.base and self.base.n) and not (self.new and self.new.n)


def compare(
    metric: MetricInfo, base: Sequence[Sample], new: Sequence[Sample], ignore: Iterable[str], rules: Rules
) -> list[Row]:
    """Pair the cells of two sides by their levels (less the factors ``ignore``) and environment.

    Cells that one side alone has become rows too. The verdicts are not yet there: see :func:`judge`.
    """
    left_out = frozenset(ignore)

    def key(sample: Sample) -> tuple[object, ...]:
        levels = tuple(sorted(item for item in sample.factors.items() if item[0] not in left_out))
        return (levels, "" if rules.mix else sample.environment)

    others: dict[tuple[object, ...], list[Sample]] = {}
    for sample in new:
        others.setdefault(key(sample), []).append(sample)
    rows = []
    for sample in base:
        found = others.get(key(sample), [])
        rows.append(_row(metric, sample, found.pop(0) if found else None, left_out, rules))
    return rows + [
        _row(metric, None, sample, left_out, rules) for found in others.values() for sample in found
    ]


def against(metric: MetricInfo, pairs: Iterable[tuple[Sample | None, Sample]], rules: Rules) -> list[Row]:
    """Set samples against published ones, None where nothing was published. The verdicts are not yet there."""
    rows = [_row(metric, base, new, frozenset(), rules) for base, new in pairs]
    return [replace(row, reason=NOT_PUBLISHED) if row.base is None else row for row in rows]


def judge(rows: Sequence[Row], rules: Rules) -> list[Row]:
    """Give each row its verdict; all rows that have a p-value are one family."""
    tested = [row.p for row in rows if row.p is not None]
    adjusted = iter(holm(tested))
    return [
        _judged(replace(row, adjusted=next(adjusted)), len(tested), rules) if row.p is not None else row
        for row in rows
    ]


def seed_of(*parts: object) -> int:
    """Return a seed of 63 bits that the parts name: the same data draw the same random numbers everywhere."""
    return int.from_bytes(hashlib.sha256(repr(parts).encode()).digest()[:8], "big") >> 1


def _row(
    metric: MetricInfo, base: Sample | None, new: Sample | None, ignore: frozenset[str], rules: Rules
) -> Row:
    some = base or new
    assert some is not None
    shared = {name: level for name, level in some.factors.items() if name not in ignore}
    row = Row(metric, shared, base, new)
    reciprocal = is_rate(metric.unit)
    sides = [_units(side, rules) if side else () for side in (base, new)]
    medians = [_median(units, metric.unit) for units in sides]
    row = replace(row, base_median=medians[0], new_median=medians[1], note=_note(base, new))
    reason = _incomparable(base, new, rules)
    if reason:
        return replace(row, reason=reason)
    if any(value <= 0 for units in sides for unit in units for value in unit):
        return replace(row, reason=f"a {metric.name} of 0 or less has no ratio")
    worse, better = (tuple(tuple(1 / v for v in u) if reciprocal else u for u in units) for units in sides)
    if (metric.better == "lower") == reciprocal:  # more is better on the scale that is compared
        worse, better = better, worse
    seed = seed_of(metric.name, sorted(shared.items()), worse, better)
    counts = _counts(row, rules)
    enough = min(counts) >= min_sample_size(rules.confidence)
    assert base is not None
    if base.exact:
        p = sign_p(sides[1], base.boots[0][0], seed) if min(counts) > 1 else None
    else:
        p = permutation_p(worse, better, seed) if min(counts) > 1 else None
    return replace(
        row,
        ratio=median(worse) / median(better),
        interval=ratio_interval(worse, better, rules.confidence, seed) if enough else None,
        p=p,
        verdict="too noisy",
        reason=f"one {rules.unit} on a side says nothing of how {rules.unit}s differ"
        + (" (more boots would, or --unit trial)" if rules.unit == "boot" else ""),
        seed=seed,
    )


def _counts(row: Row, rules: Rules) -> list[int]:
    """Return the number of units of each side that has a spread."""
    return [len(_units(side, rules)) for side in (row.base, row.new) if side and not side.exact]


def _units(sample: Sample, rules: Rules) -> Units:
    if rules.unit == "boot":
        return sample.boots
    return tuple((value,) for boot in sample.boots for value in boot)


def _median(units: Units, unit: str) -> float | None:
    found = [value for boot in units for value in boot]
    return values.median(found, unit) if found else None


def _incomparable(base: Sample | None, new: Sample | None, rules: Rules) -> str:
    if base is None or new is None:
        return "the baseline has no such cell" if base is None else "the new side has no such cell"
    for sample, side in ((base, "baseline"), (new, "new side")):
        if not sample.n:
            return f"no trial of the {side} has a figure"
    if base.environment != new.environment and not rules.mix:
        return f"environments differ: {base.environment}, {new.environment}"
    if base.label != new.label:
        return f"labels differ: {base.label or 'none'}, {new.label or 'none'}"
    return ""


def _note(base: Sample | None, new: Sample | None) -> str:
    if base is None or new is None:
        return ""
    notes = []
    if base.environment != new.environment:
        notes.append(f"MIXED ENVIRONMENTS: {base.environment} against {new.environment}")
    if base.exact:
        return "; ".join([*notes, "published figure, without spread"])
    if set(base.hosts) != set(new.hosts):
        notes.append(f"other hosts: {', '.join(base.hosts)} against {', '.join(new.hosts)}")
    if base.cell != new.cell and base.factors.get("kernel") == new.factors.get("kernel"):
        notes.append("command or settings differ")
    return "; ".join(notes)


def _judged(row: Row, family: int, rules: Rules) -> Row:
    assert row.adjusted is not None
    assert row.ratio is not None
    assert row.base is not None
    assert row.new is not None
    alpha = 1 - rules.confidence
    # First of all: on the instruction clock boots agree so closely that 0.03 % is a difference, and does not matter.
    low, high = row.interval or (0.0, float("inf"))
    if 1 - rules.margin <= low and high <= 1 + rules.margin:
        return replace(row, verdict="no difference", reason="")
    if row.adjusted <= alpha + 1e-12 and row.ratio != 1:
        return replace(row, verdict="faster" if row.ratio > 1 else "slower", reason="")
    units = _counts(row, rules)
    least = family * (smallest_p(*units) if len(units) > 1 else smallest_sign_p(*units))
    if least > alpha:
        reason = (
            f"{' and '.join(map(str, units))} {rules.unit}s cannot tell {family} cells apart: "
            f"the least p-value is {least:.2g}"
        )
    elif row.interval is None:
        reason = f"no interval from fewer than {min_sample_size(rules.confidence)} {rules.unit}s a side"
    else:
        reason = "the interval holds both no difference and one that matters"
    return replace(row, verdict="too noisy", reason=reason)
