"""Claims that a run makes about its own shape, and the verdict of another run on each.

The run that makes the claims is the bundle's run, the other one the local run. A claim *holds*, *does not hold*, or
*cannot be judged*: the local run has no such cells, its figures mean something else, or single trials overlap.
The rules and their reasons: docs/bundles.md.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import pairwise
from typing import Literal

from msgspec import Struct

from orchestrator.analysis import scaling
from orchestrator.analysis.points import Key, Point, Points
from orchestrator.analysis.verdicts import OVERLAP, Verdict, inside, metrics_differ, outside, shapes_differ
from orchestrator.units import plural

APART = 1.10
"""From this ratio on two modes have an order that another machine must show."""

Kind = Literal["outcome", "order", "scaling", "ratio"]


class ClaimResult(Struct, frozen=True):
    """A claim and the verdict on it.

    :ivar claim: in words.
    :ivar bundle_value: figures of the run that makes the claim.
    :ivar local_value: figures of the other run; empty if it has none.
    :ivar reason: why the claim does not hold or cannot be judged.
    """

    kind: Kind
    claim: str
    bundle_value: str
    verdict: Verdict
    local_value: str = ""
    reason: str = ""


def claims(run: Points, within: float) -> list[ClaimResult]:
    """Return the claims of a run. Each is judged by the run itself, so each holds."""
    return list(evaluate(run, run, run, within))


def evaluate(bundle: Points, local: Points, local_all: Points, within: float) -> Iterator[ClaimResult]:
    """Judge each claim of the bundle's run by the local run.

    :param local: points of the local run whose figures can be judged.
    :param local_all: all points of the local run; their outcomes can be judged.
    :param within: relative tolerance of ratios: 0.25 for 25 %, up or down.
    """
    mismatch = shapes_differ(*({point.environment for point in run.all} for run in (bundle, local_all)))
    mismatch = mismatch or _metrics_differ(bundle, local_all)
    yield from _outcomes(bundle, local_all)
    for group in _groups(bundle, lambda point: point.rest):
        yield from _order(group, local, mismatch)
    for group in _groups(bundle, lambda point: (("mode", point.mode), *point.rest)):
        yield from _scaling(bundle, group, local, mismatch)
    for point in bundle.all:
        yield from _ratio(bundle, point, local, within, mismatch)


# --- outcomes: does it work at all, and are all pages and bytes where they should be ----------------------------


def _outcomes(bundle: Points, local: Points) -> Iterator[ClaimResult]:
    for group in _groups(bundle, lambda point: (("mode", point.mode),) if point.mode else ()):
        for status, words in (("ok", "works"), ("unsupported", "is not supported")):
            cells = [point for point in group if point.outcomes == {status}]
            if cells:
                yield _outcome(cells, local, status, f"{_name(cells[0].mode)} {words}")


def _outcome(cells: Sequence[Point], local: Points, status: str, claim: str) -> ClaimResult:
    checked = status == "ok" and all(_is_verified(point) for point in cells)
    claim += ", all pages on target, no byte wrong" if checked else ""
    bundle_value = f"{len(cells)} of {len(cells)} cells {status}"
    local_cells = [point for cell in cells if (point := local.at(cell.key))]
    if not local_cells:
        reason = "the local run has none of these cells"
        return ClaimResult("outcome", claim, bundle_value, Verdict.CANNOT_BE_JUDGED, reason=reason)
    same = [point for point in local_cells if point.outcomes == {status}]
    others = sorted({word for point in local_cells for word in point.outcomes} - {status})
    verdict, reason = Verdict.HOLDS, ""
    if bad := [word for word in others if word in ("failed", "crashed", "timeout")]:
        verdict, reason = Verdict.DOES_NOT_HOLD, f"others: {', '.join(bad)}"
    elif checked and not all(_is_verified(point) for point in same):
        verdict, reason = Verdict.DOES_NOT_HOLD, "pages on the wrong node, or wrong bytes"
    elif others:
        verdict, reason = Verdict.CANNOT_BE_JUDGED, f"others: {', '.join(others)}"
    local_value = f"{len(same)} of {len(local_cells)} cells {status}"
    return ClaimResult("outcome", claim, bundle_value, verdict, local_value, reason)


def _is_verified(point: Point) -> bool:
    """Whether the benchmark verified its pages and bytes, and found no error."""
    verified = point.cell.verification
    return verified is not None and verified.pages == verified.pages_on_target and not verified.bytes_wrong


# --- order: which mode is better, each with its best number of threads -------------------------------------------


def _order(group: Sequence[Point], local: Points, mismatch: str) -> Iterator[ClaimResult]:
    best = _best([point for point in group if point.ok])
    if len(best) < 2 or not any(a.over(b) >= APART for a, b in pairwise(best)):
        return
    claim = f"order of modes{_at(best[0].rest)}"
    bundle_value = _ranking(best)
    pairs = [(point, other) for point in group if point.ok and (other := _comparable(point, local))]
    best, local_best = _best([point for point, _ in pairs]), _best([other for _, other in pairs])
    if mismatch or len(best) < 2:
        reason = mismatch or f"the local run has figures for {plural(len(best), 'mode')}; an order needs 2"
        yield ClaimResult("order", claim, bundle_value, Verdict.CANNOT_BE_JUDGED, reason=reason)
        return
    by_mode = {point.mode: point for point in local_best}
    swapped = [
        (by_mode[a.mode], by_mode[b.mode])
        for index, a in enumerate(best)
        for b in best[index + 1 :]
        if a.over(b) >= APART and by_mode[a.mode].over(by_mode[b.mode]) <= 1
    ]
    certain = [(a, b) for a, b in swapped if a.range_over(b)[1] <= 1]
    verdict, reason = Verdict.HOLDS, ""
    if certain:
        a, b = certain[0]
        verdict, reason = Verdict.DOES_NOT_HOLD, f"{a.mode} is not better than {b.mode}"
    elif swapped:
        verdict, reason = Verdict.CANNOT_BE_JUDGED, OVERLAP
    yield ClaimResult("order", claim, bundle_value, verdict, _ranking(local_best), reason)


def _best(group: Sequence[Point]) -> list[Point]:
    """Return the best point of each mode, the best mode first."""
    best: dict[str, Point] = {}
    for point in group:
        if point.mode not in best or point.over(best[point.mode]) > 1:
            best[point.mode] = point
    lower = any(point.metric is not None and point.metric.better == "lower" for point in group)
    return sorted(best.values(), key=lambda point: point.median if lower else -point.median)


def _ranking(best: Sequence[Point]) -> str:
    words = [f"{best[0].mode} {_figure(best[0])}"]
    for a, b in pairwise(best):
        words.append(f"{'>' if a.over(b) >= APART else '≈'} {b.mode} {_figure(b)}")
    return " ".join(words)


# --- scaling: from which number of threads on do more of them not help -------------------------------------------


def _scaling(bundle: Points, group: Sequence[Point], local: Points, mismatch: str) -> Iterator[ClaimResult]:
    if group[0].environment in bundle.counting and not bundle.modelled:
        return  # CPUs take turns, so threads gain nothing by construction
    curve = scaling.curve(bundle, group)
    if len(curve) < 3:
        return
    claim = f"where scaling ends: {_name(curve[-1].mode)}{_at(curve[-1].rest)}"
    bundle_value = _curve_words(curve)
    pairs = [(point, other) for point in curve if (other := _comparable(point, local))]
    if mismatch or len(pairs) < 3:
        counts = plural(len(pairs), "number") + " of threads"
        reason = mismatch or f"the local run has figures for {counts}; 3 are needed"
        yield ClaimResult("scaling", claim, bundle_value, Verdict.CANNOT_BE_JUDGED, reason=reason)
        return
    bundle_curve, local_curve = [point for point, _ in pairs], [other for _, other in pairs]
    verdict, reason = Verdict.HOLDS, ""
    if zero := _zero(local_curve):
        verdict, reason = Verdict.DOES_NOT_HOLD, zero
    elif not set(scaling.ends(local_curve)) & set(scaling.ends(bundle_curve)):
        ends = [scaling.ends_in_words(points) for points in (local_curve, bundle_curve)]
        verdict, reason = Verdict.DOES_NOT_HOLD, f"it ends at {ends[0]} threads, in the bundle at {ends[1]}"
        if set(scaling.ends(local_curve, noisy=True)) & set(scaling.ends(bundle_curve, noisy=True)):
            verdict, reason = Verdict.CANNOT_BE_JUDGED, OVERLAP
    yield ClaimResult("scaling", claim, bundle_value, verdict, _curve_words(local_curve), reason)


def _curve_words(curve: Sequence[Point]) -> str:
    steps = ", ".join(f"{point.threads}: {_figure(point)}" for point in curve)
    return f"ends at {scaling.ends_in_words(curve)} ({steps})"


# --- ratios: how many times better than the baseline ---------------------------------------------------------------


def _ratio(
    bundle: Points, point: Point, local: Points, within: float, mismatch: str
) -> Iterator[ClaimResult]:
    baseline = bundle.baseline_of(point)
    if baseline is None or not (point.ok and baseline.ok) or point.metric != baseline.metric:
        return
    claim = _speedup(point, baseline)
    ratio = point.over(baseline)
    bundle_value = f"{ratio:.3f}"
    other, base = _comparable(point, local), _comparable(baseline, local)
    if mismatch or other is None or base is None or other.metric != base.metric:
        reason = mismatch or "the cell or its baseline has no figure in the local run"
        yield ClaimResult("ratio", claim, bundle_value, Verdict.CANNOT_BE_JUDGED, reason=reason)
        return
    local_ratio = other.over(base)
    limits = (ratio / (1 + within), ratio * (1 + within))
    trials = other.range_over(base)
    verdict, reason = Verdict.HOLDS, ""
    if zero := _zero([other, base]):
        verdict, reason = Verdict.DOES_NOT_HOLD, zero
    elif not inside((local_ratio, local_ratio), limits):
        verdict, reason = Verdict.DOES_NOT_HOLD, f"not in {limits[0]:.3f} to {limits[1]:.3f}"
        if not outside(trials, limits):
            verdict = Verdict.CANNOT_BE_JUDGED
            reason += f", but too noisy: single trials give {trials[0]:.3f} to {trials[1]:.3f}"
    yield ClaimResult("ratio", claim, bundle_value, verdict, f"{local_ratio:.3f}", reason)


def _speedup(point: Point, baseline: Point) -> str:
    """Name a cell and its baseline: by their modes, or else by the levels in which they differ."""
    if point.mode:
        threads = f", threads={point.threads}" if point.threads is not None else ""
        return f"{point.mode}{threads}{_at(point.rest)} over {_name(baseline.mode)}"
    sides = [
        {**dict(one.rest), **({"threads": one.threads} if one.threads else {})} for one in (point, baseline)
    ]
    differing = [name for name in sides[0] if sides[0][name] != sides[1].get(name)]
    compared = [", ".join(f"{name}={side[name]}" for name in differing if name in side) for side in sides]
    shared = [(name, level) for name, level in point.rest if name not in differing]
    return f"{_name(compared[0])} over {_name(compared[1])}{_at(shared)}"


# --- shared ---------------------------------------------------------------------------------------------------------


def _comparable(point: Point, local: Points) -> Point | None:
    """Return the same cell of the local run, if it has a figure of the same metric and label."""
    other = local.at(point.key)
    if other is None or not other.comparable or point.metric is None or other.metric is None:
        return None
    same = (other.metric.name, other.cell.label) == (point.metric.name, point.cell.label)
    return other if same else None


def _metrics_differ(bundle: Points, local: Points) -> str:
    """Return why figures of a metric of the two runs cannot be compared; empty if they can."""
    sides = [{p.metric.name: p.metric for p in run.all if p.metric} for run in (bundle, local)]
    reasons = (
        metrics_differ(metric, sides[1][name], ("the bundle", "the local run"))
        for name, metric in sides[0].items()
        if name in sides[1]
    )
    return next(filter(None, reasons), "")


def _zero(points: Sequence[Point]) -> str:
    """Return a message if the figure of one of these points of the local run is 0 in every trial."""
    for point in points:
        if point.is_always_zero and point.metric:
            threads = f", threads={point.threads}" if point.threads is not None else ""
            return f"{point.metric.name} is 0 in every trial of {_name(point.mode)}{threads}"
    return ""


def _groups(run: Points, key: Callable[[Point], Key]) -> list[list[Point]]:
    groups: dict[tuple[str, Key], list[Point]] = {}
    for point in run.all:
        groups.setdefault((point.environment, key(point)), []).append(point)
    return list(groups.values())


def _name(words: str) -> str:
    return words or "the benchmark"


def _at(rest: Iterable[tuple[str, object]]) -> str:
    levels = ", ".join(f"{name}={level}" for name, level in rest)
    return f" at {levels}" if levels else ""


def _figure(point: Point) -> str:
    unit = point.metric.unit if point.metric else ""
    return f"{point.median:.4g} {unit}"
