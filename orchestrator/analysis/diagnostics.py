"""Anomalies in the values of a cell: warm-up, drift, two modes, outliers. No value is dropped because of them.

Each kind of test is one family over all cells: the chance of any false alarm of a kind is at most :data:`LEVEL` (Holm
1979). Outliers are not a test; docs/statistics.md gives the rate at which plain noise has some.
"""

from __future__ import annotations

import itertools
import math
import statistics
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

from orchestrator.analysis import rank_tests
from orchestrator.analysis.multiple import holm
from orchestrator.results.records import MetricInfo
from orchestrator.results.store import CellRow, Store
from orchestrator.units import plural

LEVEL = 0.05
FEWEST = 8
"""Fewest trials, or boots, that are examined for modes and outliers."""
FENCE = 3.0
"""Interquartile ranges beyond a quartile: "far out" (J. W. Tukey, *Exploratory Data Analysis*, 1977, section 2E)."""
LONGEST_SERIES = 100
"""Longer series are shortened to this length by medians of neighbours before their order is tested."""

Kind = Literal["warm-up", "drift", "two modes", "outlier"]
METHODS = {
    "warm-up": "the first 1, 2, 4 ... trials of each boot against its others by rank, boots as strata "
    "(van Elteren 1960), Bonferroni over their number",
    "drift": "rank correlation with time (Mann 1945, Kendall 1975) of boot medians, or of the trials of one boot",
    "two modes": "dip test of boot medians, and of trials around the median of their boot (Hartigan and Hartigan 1985)",
    "outlier": "more than 3 interquartile ranges beyond a quartile, trials relative to the median of their boot "
    f"if it has {FEWEST} or more (Tukey 1977)",
}


class Observed(Struct, frozen=True):
    """Value of a trial that is ok."""

    trial: str
    boot: str
    value: float


class Finding(Struct, frozen=True):
    """An anomaly in the values of a cell.

    :ivar message: what was found, in words.
    :ivar p: adjusted for all cells; None for outliers, which are not a test.
    :ivar trials: ids of the trials concerned; empty if it concerns the cell as a whole.
    """

    kind: Kind
    cell: str
    environment: str
    metric: str
    message: str
    p: float | None
    trials: tuple[str, ...] = ()


def diagnose(store: Store, metric: MetricInfo, cells: Iterable[CellRow]) -> list[Finding]:
    """Examine each cell, environments separately; return the findings in the order of ``cells``."""
    findings: list[Finding] = []
    for cell in cells:
        rows = store.trial_values(cell, metric.name, metric.unit)
        for environment, group in itertools.groupby(rows, key=lambda row: row.environment):
            values = [
                Observed(row.trial, row.boot, row.value)
                for row in group
                if row.status == "ok" and row.value is not None
            ]
            if values:
                findings += examine(Finding("outlier", cell.id, environment, metric.name, "", None), values)
    return significant(findings)


def examine(cell: Finding, values: Sequence[Observed]) -> Iterator[Finding]:
    """Yield a finding for each test, p not yet adjusted; ``cell`` names the cell, ``values`` are in order of time."""
    boots: dict[str, list[Observed]] = {}
    for value in values:
        boots.setdefault(value.boot, []).append(value)
    series = [[each.value for each in boot] for boot in boots.values()]
    count, p = rank_tests.warm_up(series)
    first = tuple(each.trial for boot in boots.values() for each in boot[:count])
    change = _change(
        [v for boot in series for v in boot[count:]], [v for boot in series for v in boot[:count]]
    )
    trials = f"the first {plural(count, 'trial')} of {'each' if len(boots) > 1 else 'the'} boot"
    yield replace(
        cell, kind="warm-up", p=p, trials=first, message=f"{trials} differ{'s' * (count == 1)} ({change})"
    )
    over_time = [statistics.median(boot) for boot in series] if len(series) > 1 else series[0]
    tau, p = rank_tests.trend(_shortened(over_time))
    third = math.ceil(len(over_time) / 3)
    change = f"{_change(over_time[:third], over_time[-third:])} from the first third to the last"
    unit = "boots" if len(series) > 1 else "trials"
    yield replace(
        cell, kind="drift", p=p, message=f"with time over {len(over_time)} {unit} ({change}; tau {tau:.2f})"
    )
    yield from _modes(cell, series)
    yield from _outliers(cell, list(boots.values()))


def significant(findings: Sequence[Finding]) -> list[Finding]:
    """Return the significant findings, with their adjusted p."""
    kept: list[Finding] = []
    adjusted: dict[int, float] = {}
    for kind in METHODS:
        indices = [n for n, each in enumerate(findings) if each.kind == kind and each.p is not None]
        p_values = holm([findings[n].p or 0.0 for n in indices])
        adjusted.update(zip(indices, p_values, strict=True))
    for n, each in enumerate(findings):
        if each.p is None or adjusted[n] <= LEVEL:
            kept.append(replace(each, p=adjusted.get(n)))
    return kept


def _modes(cell: Finding, series: Sequence[Sequence[float]]) -> Iterator[Finding]:
    boots = [statistics.median(boot) for boot in series]
    around = [value - middle for boot, middle in zip(series, boots, strict=True) for value in boot]
    for values, enough, unit in (
        (boots, len(boots) >= FEWEST, "boots"),
        (around, min(map(len, series)) >= FEWEST, "trials of a boot"),
    ):
        p = _dip(values) if enough else None
        if p is not None:
            yield replace(cell, kind="two modes", p=p, message=f"the {unit} form more than one group")


def _change(before: Sequence[float], after: Sequence[float]) -> str:
    """Return the relative change of the median, in words."""
    if not before or not after or not (middle := statistics.median(before)):
        return "no ratio"
    return f"median {(statistics.median(after) / middle - 1) * 100:+.2g} %"


def _dip(values: Sequence[float]) -> float | None:
    """Return the p-value against one mode; None without the diptest package."""
    try:
        import diptest
        import numpy as np
    except ImportError:
        return None
    _, p = diptest.diptest(np.array(_untied(values)))
    return max(float(p), 1e-5)  # the published table ends there


def _untied(values: Sequence[float]) -> list[float]:
    """Spread equal values evenly over the step to their neighbours, as the dip test takes ties for modes."""
    digits = 9 - math.ceil(math.log10(max(map(abs, values)) or 1.0))
    counts = sorted(Counter(round(value, digits) for value in values).items())
    step = min((after - before for (before, _), (after, _) in itertools.pairwise(counts)), default=0.0)
    return [value + step * ((k + 0.5) / count - 0.5) for value, count in counts for k in range(count)]


def _outliers(cell: Finding, boots: Sequence[Sequence[Observed]]) -> Iterator[Finding]:
    middles = [statistics.median([each.value for each in boot]) for boot in boots]
    whole = statistics.median(middles)
    relative = [
        (each, each.value - (middle if len(boot) >= FEWEST else whole))
        for boot, middle in zip(boots, middles, strict=True)
        for each in boot
    ]
    if len(relative) < FEWEST:
        return
    lower, _, upper = statistics.quantiles([value for _, value in relative], n=4, method="inclusive")
    reach = FENCE * (upper - lower)
    out = [each for each, value in relative if not lower - reach <= value <= upper + reach]
    if out and reach > 0:
        message = f"{len(out)} of {len(relative)} trials are far out: {', '.join(f'{o.value:.4g}' for o in out[:5])}"
        yield replace(
            cell, message=message + (", ..." if len(out) > 5 else ""), trials=tuple(o.trial for o in out)
        )


def _shortened(values: Sequence[float]) -> list[float]:
    size = math.ceil(len(values) / LONGEST_SERIES)
    return [statistics.median(values[at : at + size]) for at in range(0, len(values), size)]
