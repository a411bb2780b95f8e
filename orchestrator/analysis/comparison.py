"""Comparison of two sides, cell by cell: a ratio with its interval, a test in the family of all cells, a verdict.

A ratio above 1 means that the new side is better, for rates and for times. A rate is compared as time for the same
work, so that throughput and latency of the same trials give the same ratio: times are averaged, not rates (T. Hoefler,
R. Belli, *Scientific Benchmarking of Parallel Computing Systems*, SC '15, section 3.1.1: rates by the harmonic mean).
Figures of 0 or less have no ratio; their verdict is one of direction (:mod:`~orchestrator.analysis.without_ratio`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

from orchestrator.analysis import enough, values, without_ratio
from orchestrator.analysis.bootstrap import median, ratio_interval
from orchestrator.analysis.multiple import holm
from orchestrator.analysis.pairs import Key, incomparable, key, note, shared_trials
from orchestrator.analysis.samples import Sample
from orchestrator.analysis.significance import permutation_p, sign_p, smallest_p, smallest_sign_p
from orchestrator.analysis.values import Units, is_rate
from orchestrator.analysis.verdicts import Verdict, inside, too_few
from orchestrator.results.records import MetricInfo
from orchestrator.units import plural

NOT_PUBLISHED = "no published figure for this cell"


LOCAL = "local"
"""The name of this machine as a host."""


class Rules(Struct, frozen=True):
    """Parameters of a comparison.

    :ivar confidence: of intervals. The chance of any false "faster" or "slower" in the family is at most 1 less this.
    :ivar margin: relative difference that does not matter: 0.02 for 2 %; 0: every difference matters.
    :ivar unit: sampling unit. ``trial`` is for runs of one boot: differences between boots then count as differences
        between the two sides.
    :ivar mix: compare figures whose environments differ or have no meaning.
    """

    confidence: float = 0.95
    margin: float = 0.02
    unit: Literal["boot", "trial"] = "boot"
    mix: bool = False


class Row(Struct, frozen=True):
    """One cell and metric on both sides.

    :ivar factors: the levels that both sides share.
    :ivar ratio: of the medians; above 1 ``new`` is better; None for the ``reason``.
    :ivar interval: of the ratio; None with too few boots (or trials, if these are the unit).
    :ivar p: of this test alone; ``adjusted``: for the family.
    :ivar direction: above 0: the new side is better, below 0: worse.
    :ivar change: in words, where figures of 0 or less have no ratio.
    :ivar seed: of the random numbers for interval and test.
    :ivar note: a caveat on this row, such as mixed environments.
    :ivar enough: number of units per side that would be enough where these are too few or too noisy; None if no number
        is known to be, and where boots are too few on this machine, which is never booted.
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
    verdict: Verdict = Verdict.NOT_COMPARED
    reason: str = ""
    direction: float = 0.0
    change: str = ""
    seed: int = 0
    note: str = ""
    enough: int | None = None

    @property
    def vanished(self) -> bool:
        """Whether the baseline has figures and the new side has none."""
        return bool(self.base and self.base.n) and not (self.new and self.new.n)

    def is_worse_by(self, limit: float) -> bool:
        """Whether the new side is slower by more than ``limit`` (0.05 for 5 %) or by an amount without a size."""
        if self.verdict is not Verdict.SLOWER or self.base is None or self.new is None:
            return False
        size = self.ratio
        if size is None and self.metric.better != "neither":
            size = without_ratio.size(self.base.boots, self.new.boots, self.metric.better)
        return size is None or size < 1 - limit


def compare(
    metric: MetricInfo, base: Sequence[Sample], new: Sequence[Sample], ignore: Iterable[str], rules: Rules
) -> list[Row]:
    """Pair the cells of two sides by their levels (except the factors ``ignore``) and environment.

    Cells that only one side has become rows too. :func:`judge` adds the verdicts.
    """
    ignored = frozenset(ignore)

    def key_of(sample: Sample) -> Key:
        return key(sample.factors, ignored, "" if rules.mix else sample.environment)

    unpaired: dict[Key, list[Sample]] = {}
    for sample in new:
        unpaired.setdefault(key_of(sample), []).append(sample)
    rows = []
    for sample in base:
        partners = unpaired.get(key_of(sample), [])
        rows.append(_row(metric, sample, partners.pop(0) if partners else None, ignored, rules))
    return rows + [
        _row(metric, None, sample, ignored, rules) for samples in unpaired.values() for sample in samples
    ]


def against(metric: MetricInfo, pairs: Iterable[tuple[Sample | None, Sample]], rules: Rules) -> list[Row]:
    """Compare samples with published ones, None if nothing was published. :func:`judge` adds the verdicts."""
    rows = [_row(metric, base, new, frozenset(), rules) for base, new in pairs]
    return [replace(row, reason=NOT_PUBLISHED) if row.base is None else row for row in rows]


def judge(rows: Sequence[Row], rules: Rules) -> list[Row]:
    """Return the rows with their verdicts; all rows with a p-value are one family.

    Those that more units would add to the family count for what would be enough.
    """
    tested = [row.p for row in rows if row.p is not None]
    adjusted = iter(holm(tested))
    judged = [
        _judged(replace(row, adjusted=next(adjusted)), len(tested), rules) if row.p is not None else row
        for row in rows
    ]
    family = sum(row.verdict not in (Verdict.NOT_COMPARED, Verdict.SAME_TRIALS) for row in judged)
    return [
        _with_enough(row, family, rules) if row.verdict in (Verdict.TOO_FEW, Verdict.TOO_NOISY) else row
        for row in judged
    ]


def unit_counts(row: Row, rules: Rules) -> tuple[int | None, int | None]:
    """Return the number of units of each side; None for a side that is missing, or a number without spread."""
    base, new = (
        None if side is None or side.exact else len(_units(side, rules)) for side in (row.base, row.new)
    )
    return base, new


def _with_enough(row: Row, family: int, rules: Rules) -> Row:
    """Return the row with the number of units that would be enough; of noisy sides the reason names it too."""
    counts = _counts(row, rules)
    if rules.unit == "boot" and _is_on_this_machine(row):
        return row
    if row.verdict is Verdict.TOO_FEW:
        return replace(row, enough=enough.fewest(len(counts), family, rules.confidence))
    if row.ratio is None or row.interval is None:
        return row
    wanted = enough.for_noise(row.ratio, row.interval, counts, family, rules.confidence, rules.margin)
    if wanted is None:
        return replace(row, reason=f"{row.reason}; even {enough.MOST} {rules.unit}s are not enough")
    return replace(row, enough=wanted, reason=f"{row.reason}; about {wanted} {rules.unit}s are enough")


def seed_of(*parts: object) -> int:
    """Return a seed of 63 bits made from the parts: the same data draw the same random numbers everywhere."""
    return int.from_bytes(hashlib.sha256(repr(parts).encode()).digest()[:8], "big") >> 1


def _more_boots(row: Row, rules: Rules) -> str:
    """Return the advice for too few boots; this machine is never booted."""
    if rules.unit != "boot":
        return ""
    return "; use --unit trial" if _is_on_this_machine(row) else "; run more boots, or use --unit trial"


def _is_on_this_machine(row: Row) -> bool:
    return {host for side in (row.base, row.new) if side for host in side.hosts} == {LOCAL}


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
    row = replace(row, base_median=medians[0], new_median=medians[1], note=note(base, new, metric, medians))
    reason = incomparable(base, new, rules.mix)
    if reason:
        return replace(row, reason=reason)
    assert base is not None
    assert new is not None
    if same := shared_trials(base, new):
        reason = "" if same == base.n == new.n else f"{same} of {base.n} and {new.n} are on both sides"
        return replace(row, verdict=Verdict.SAME_TRIALS, reason=reason)
    row = replace(
        row,
        verdict=Verdict.TOO_FEW,
        reason=f"one {rules.unit} on a side gives no spread between {rules.unit}s" + _more_boots(row, rules),
    )
    if any(value <= 0 for units in sides for unit in units for value in unit):
        return _without_ratio(row, sides[0], sides[1])
    worse, better = (tuple(tuple(1 / v for v in u) if reciprocal else u for u in units) for units in sides)
    if (metric.better == "lower") == reciprocal:  # more is better on the scale that is compared
        worse, better = better, worse
    seed = seed_of(metric.name, sorted(shared.items()), worse, better)
    counts = _counts(row, rules)
    few = too_few(counts, rules.unit, rules.confidence)
    if base.exact:
        p = sign_p(sides[1], base.boots[0][0], seed) if min(counts) > 1 else None
    else:
        p = permutation_p(worse, better, seed) if min(counts) > 1 else None
    ratio = median(worse) / median(better)
    return replace(
        row,
        ratio=ratio,
        direction=ratio - 1,
        interval=ratio_interval(worse, better, rules.confidence, seed) if not few else None,
        p=p,
        seed=seed,
    )


def _without_ratio(row: Row, base: Units, new: Units) -> Row:
    """Return the row with the direction of its change. Work that is 0 in every trial is worse, whatever p is."""
    assert row.base is not None
    assert row.metric.better != "neither"
    seed = seed_of(row.metric.name, sorted(row.factors.items()), base, new)
    direction, p = without_ratio.direction(base, new, row.base.exact, row.metric.better, seed)
    row = replace(row, direction=direction, p=p, change=without_ratio.change(base, new), seed=seed)
    if row.metric.better == "higher" and without_ratio.stops(base, new):
        return replace(row, verdict=Verdict.SLOWER, reason=row.change)
    return row if p is not None or not row.change else replace(row, reason=f"{row.change}; {row.reason}")


def _counts(row: Row, rules: Rules) -> list[int]:
    """Return the number of units of each side that has a spread."""
    return [len(_units(side, rules)) for side in (row.base, row.new) if side and not side.exact]


def _units(sample: Sample, rules: Rules) -> Units:
    if rules.unit == "boot":
        return sample.boots
    return tuple((value,) for boot in sample.boots for value in boot)


def _median(units: Units, unit: str) -> float | None:
    flat = [value for boot in units for value in boot]
    return values.median(flat, unit) if flat else None


def _judged(row: Row, family: int, rules: Rules) -> Row:
    assert row.adjusted is not None
    alpha = 1 - rules.confidence
    counts = _counts(row, rules)
    few = too_few(counts, rules.unit, rules.confidence)
    # The margin first: on the instruction clock boots agree so closely that 0.03 % is significant and does not matter.
    if row.interval is not None and inside(row.interval, (1 - rules.margin, 1 + rules.margin)):
        return replace(row, verdict=Verdict.NO_DIFFERENCE, reason="")
    if row.ratio is None and not row.change and not few:
        return replace(row, verdict=Verdict.NO_DIFFERENCE, reason="")
    if row.verdict is Verdict.SLOWER:
        return row
    if row.adjusted <= alpha + 1e-12 and row.direction:
        verdict = Verdict.FASTER if row.direction > 0 else Verdict.SLOWER
        return replace(row, verdict=verdict, reason=row.change)
    least = min(1.0, family * (smallest_p(*counts) if len(counts) > 1 else smallest_sign_p(*counts)))
    if least > alpha:
        verdict, reason = (
            Verdict.TOO_FEW,
            (
                f"{' and '.join(map(str, counts))} {rules.unit}s are too few to distinguish {plural(family, 'cell')}: "
                f"the least possible p-value is {least:.2g}"
            ),
        )
    elif few:
        verdict, reason = Verdict.TOO_FEW, few
    else:
        words = "the interval contains both no difference and one that matters"
        verdict, reason = Verdict.TOO_NOISY, words * (row.ratio is not None)
    return replace(row, verdict=verdict, reason="; ".join(filter(None, [row.change, reason])))
