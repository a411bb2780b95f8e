"""The shape of a run as claims, and what becomes of each claim in another run.

A claim is judged by what both runs have. It *holds*, it *does not hold*, or it *cannot be judged* where the other run
lacks the cells, where figures of the two environments mean different things, or where single trials lie so far apart
that chance could be what makes the difference. The rules and their reasons: docs/bundles.md.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from orchestrator.analysis.comparability import comparable, unlike
from orchestrator.analysis.points import Key, Point, Points

APART = 1.10
"""Two modes are apart from so many times on; nearer ones have no order that another machine must show."""

FLAT = (1.02, 1.10)
"""Threads that bring less than this many times more do not help: by the strictest and by the most generous reading."""

Verdict = Literal["holds", "does not hold", "cannot be judged"]
Kind = Literal["outcome", "order", "scaling", "ratio"]


@dataclass(frozen=True, slots=True)
class ClaimResult:
    """A claim and what became of it.

    :ivar claim: in words.
    :ivar bundle_value: figures of the run that makes the claim; ``local_value``: those of the other run, empty if none.
    :ivar reason: why it does not hold or cannot be judged.
    """

    kind: Kind
    claim: str
    bundle_value: str
    verdict: Verdict
    local_value: str = ""
    reason: str = ""


def claims(there: Points, within: float) -> list[ClaimResult]:
    """Return what a run claims, each claim as its own run has it, which is to say that it holds."""
    return list(evaluate(there, there, there, within))


def evaluate(there: Points, here: Points, every: Points, within: float) -> Iterator[ClaimResult]:
    """Judge each claim of the run ``there`` by the run ``here``.

    :param here: points whose figures can be judged; ``every``: all points of that run, whose outcome can be.
    :param within: how far a ratio may be off: 0.25 for 25 %, up or down.
    """
    mixed = unlike(there, every)
    yield from _outcomes(there, every)
    for group in _groups(there, lambda point: point.rest):
        yield from _order(group, here, mixed)
    for group in _groups(there, lambda point: (("mode", point.mode), *point.rest)):
        yield from _scaling(there, group, here, mixed)
    for point in there.all:
        yield from _ratio(there, point, here, within, mixed)


# --- outcomes: does it work at all, and are all pages and bytes where they should be ----------------------------


def _outcomes(there: Points, here: Points) -> Iterator[ClaimResult]:
    for group in _groups(there, lambda point: (("mode", point.mode),) if point.mode else ()):
        for status, words in (("ok", "works"), ("unsupported", "is not supported")):
            cells = [point for point in group if point.outcomes == {status}]
            if cells:
                yield _outcome(cells, here, status, f"{_name(cells[0].mode)} {words}")


def _outcome(cells: Sequence[Point], here: Points, status: str, claim: str) -> ClaimResult:
    checked = status == "ok" and all(_is_true(point) for point in cells)
    claim += ", all pages on target, no byte wrong" if checked else ""
    there = f"{len(cells)} of {len(cells)} cells {status}"
    pairs = [(cell, found) for cell in cells if (found := here.at(cell.key))]
    if not pairs:
        return ClaimResult("outcome", claim, there, "cannot be judged", "", "none of its cells was run")
    as_there = [found for _, found in pairs if found.outcomes == {status}]
    told = f"{len(as_there)} of {len(pairs)} cells {status}"
    others = sorted({word for _, found in pairs for word in found.outcomes} - {status})
    if bad := [word for word in others if word in ("failed", "crashed", "timeout")]:
        return ClaimResult("outcome", claim, there, "does not hold", told, f"others: {', '.join(bad)}")
    if checked and not all(_is_true(found) for found in as_there):
        return ClaimResult(
            "outcome", claim, there, "does not hold", told, "pages or bytes are not where they should be"
        )
    if others:
        return ClaimResult("outcome", claim, there, "cannot be judged", told, f"others: {', '.join(others)}")
    return ClaimResult("outcome", claim, there, "holds", told)


def _is_true(point: Point) -> bool:
    """Whether the benchmark looked again, and found everything as it should be."""
    verified = point.cell.verification
    return verified is not None and verified.pages == verified.pages_on_target and not verified.bytes_wrong


# --- order: which mode is better, each with the number of threads that suits it best -----------------------------


def _order(group: Sequence[Point], here: Points, mixed: str) -> Iterator[ClaimResult]:
    best = _best(group)
    if len(best) < 2 or not any(a.over(b) >= APART for a, b in pairwise(best)):
        return
    claim = f"order of modes{_at(best[0].rest)}"
    there = _ranking(best)
    if mixed:
        yield ClaimResult("order", claim, there, "cannot be judged", "", mixed)
        return
    pairs = [(point, found) for point in group if point.ok and (found := comparable(point, here))]
    best, ours = _best([point for point, _ in pairs]), _best([other for _, other in pairs])
    if len(best) < 2:
        yield ClaimResult(
            "order", claim, there, "cannot be judged", "", "fewer than two of its modes have figures here"
        )
        return
    by_mode = {point.mode: point for point in ours}
    swapped = [
        (by_mode[a.mode], by_mode[b.mode])
        for at, a in enumerate(best)
        for b in best[at + 1 :]
        if a.over(b) >= APART and by_mode[a.mode].over(by_mode[b.mode]) <= 1
    ]
    told = _ranking(ours)
    sure = [(a, b) for a, b in swapped if a.range_over(b)[1] <= 1]
    if sure:
        a, b = sure[0]
        yield ClaimResult(
            "order", claim, there, "does not hold", told, f"{a.mode} is not better than {b.mode}"
        )
    elif swapped:
        yield ClaimResult("order", claim, there, "cannot be judged", told, "too noisy: single trials overlap")
    else:
        yield ClaimResult("order", claim, there, "holds", told)


def _best(group: Sequence[Point]) -> list[Point]:
    """The best point of each mode, the best mode first."""
    best: dict[str, Point] = {}
    for point in group:
        if point.ok and (point.mode not in best or point.over(best[point.mode]) > 1):
            best[point.mode] = point
    if not best:
        return []
    first = next(iter(best.values()))
    return sorted(best.values(), key=lambda point: -point.over(first))


def _ranking(best: Sequence[Point]) -> str:
    words = [f"{best[0].mode} {_figure(best[0])}"]
    for a, b in pairwise(best):
        words.append(f"{'>' if a.over(b) >= APART else '≈'} {b.mode} {_figure(b)}")
    return " ".join(words)


# --- scaling: after how many threads do more of them not help ----------------------------------------------------


def _scaling(there: Points, group: Sequence[Point], here: Points, mixed: str) -> Iterator[ClaimResult]:
    if group[0].environment in there.counting and not there.modelled:
        return  # CPUs take turns, so threads bring nothing by construction
    curve = _curve(there, group)
    if len(curve) < 3:
        return
    claim = f"where scaling ends: {_name(curve[-1].mode)}{_at(curve[-1].rest)}"
    told = _curve_words(curve)
    if mixed:
        yield ClaimResult("scaling", claim, told, "cannot be judged", "", mixed)
        return
    pairs = [(point, found) for point in curve if (found := comparable(point, here))]
    if len(pairs) < 3:
        few = "fewer than three of its numbers of threads have figures here"
        yield ClaimResult("scaling", claim, told, "cannot be judged", "", few)
        return
    ours, theirs = [found for _, found in pairs], [point for point, _ in pairs]
    verdict: Verdict = "holds" if set(_ends(ours)) & set(_ends(theirs)) else "does not hold"
    reason = "" if verdict == "holds" else "it ends elsewhere"
    if reason and set(_ends(ours, noisy=True)) & set(_ends(theirs, noisy=True)):
        verdict, reason = "cannot be judged", "too noisy: single trials overlap"
    yield ClaimResult("scaling", claim, told, verdict, _curve_words(ours), reason)


def _curve(run: Points, group: Sequence[Point]) -> list[Point]:
    """The points of one mode by threads, from the baseline on where that has fewer threads than all of them."""
    curve = sorted((p for p in group if p.ok and p.threads is not None), key=lambda point: point.threads or 0)
    baseline = run.baseline_of(curve[0]) if curve else None
    starts = baseline is not None and baseline.ok and baseline.rest == curve[0].rest
    if baseline and starts and baseline.threads is not None and baseline.threads < (curve[0].threads or 0):
        curve.insert(0, baseline)
    return curve


def _ends(curve: Sequence[Point], noisy: bool = False) -> list[int]:
    """The numbers of threads, of those swept, at which scaling ends: from the strictest reading to the most generous.

    ``noisy``: as single trials would have it, too.
    """
    strict, generous = _end(curve, FLAT[0], 1 if noisy else None), _end(curve, FLAT[1], 0 if noisy else None)
    numbers = [point.threads or 0 for point in curve]
    return [number for number in numbers if generous <= number <= strict]


def _end(curve: Sequence[Point], limit: float, edge: int | None) -> int:
    """The fewest threads that no larger number is ``limit`` times better than; ``edge``: at that end of the trials."""
    for at, point in enumerate(curve):
        gains = (
            more.over(point) if edge is None else more.range_over(point)[edge] for more in curve[at + 1 :]
        )
        if all(gain < limit for gain in gains):
            return point.threads or 0
    return curve[-1].threads or 0


def _curve_words(curve: Sequence[Point]) -> str:
    ends = _ends(curve)
    last = f"{ends[0]}" if len(ends) == 1 else f"{ends[0]} to {ends[-1]}"
    steps = ", ".join(f"{point.threads}: {_figure(point)}" for point in curve)
    return f"ends at {last} ({steps})"


# --- ratios: how many times better than the baseline ---------------------------------------------------------------


def _ratio(there: Points, point: Point, here: Points, within: float, mixed: str) -> Iterator[ClaimResult]:
    baseline = there.baseline_of(point)
    if baseline is None or not (point.ok and baseline.ok) or point.metric != baseline.metric:
        return
    threads = f", threads={point.threads}" if point.threads is not None else ""
    claim = f"{_name(point.mode)}{threads}{_at(point.rest)} over {_name(baseline.mode)}"
    ratio = point.over(baseline)
    told = f"{ratio:.3f}"
    if mixed:
        yield ClaimResult("ratio", claim, told, "cannot be judged", "", mixed)
        return
    found, base = comparable(point, here), comparable(baseline, here)
    if found is None or base is None or found.metric != base.metric:
        yield ClaimResult(
            "ratio",
            claim,
            told,
            "cannot be judged",
            "",
            "it or its baseline was not run here, or has no figure",
        )
        return
    ours = found.over(base)
    low, high = ratio / (1 + within), ratio * (1 + within)
    if low <= ours <= high:
        yield ClaimResult("ratio", claim, told, "holds", f"{ours:.3f}")
        return
    least, most = found.range_over(base)
    bounds = f"not in {low:.3f} to {high:.3f}"
    if least <= high and most >= low:
        reason = f"{bounds}, but too noisy: single trials make it {least:.3f} to {most:.3f}"
        yield ClaimResult("ratio", claim, told, "cannot be judged", f"{ours:.3f}", reason)
    else:
        yield ClaimResult("ratio", claim, told, "does not hold", f"{ours:.3f}", bounds)


# --- what is shared -----------------------------------------------------------------------------------------------


def _groups(run: Points, key: Callable[[Point], Key]) -> list[list[Point]]:
    groups: dict[tuple[str, Key], list[Point]] = {}
    for point in run.all:
        groups.setdefault((point.environment, key(point)), []).append(point)
    return list(groups.values())


def _name(mode: str) -> str:
    return mode or "the benchmark"


def _at(rest: Key) -> str:
    return f" at {', '.join(f'{name}={level}' for name, level in rest)}" if rest else ""


def _figure(point: Point) -> str:
    unit = point.metric.unit if point.metric else ""
    return f"{point.median:.4g} {unit}"
