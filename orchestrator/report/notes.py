"""What the forms for readers say above and below their tables."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from orchestrator.analysis.intervals import METHODS
from orchestrator.analysis.speedup import Speedup
from orchestrator.analysis.summary import Estimate
from orchestrator.experiment.model import Status
from orchestrator.report import setup as circumstances
from orchestrator.report import tables, text
from orchestrator.report.model import Report
from orchestrator.results.store import Reason
from orchestrator.units import plural

REASONS_SHOWN = 20
FINDINGS_SHOWN = 20
TRIALS_SHOWN = 4
LONGEST_NOTE = 1000
LONGEST_LEGEND = 3000
NO_BANDWIDTH = (
    "What is modelled knows nothing of memory bandwidth and of the link between nodes, which bound what was published: "
    "it is what threads could bring at most, not what a machine gives."
)
MODELLED = "what the benchmark computes that the call would take if its parallel parts ran side by side"
SPREADS = {
    "half interquartile range": "half the interquartile range (5 trials or more)",
    "half range": "half the range (2 to 4 trials)",
}


def title(report: Report) -> str:
    """Return one line on which run this is and how far it came."""
    opening = report.opening
    count = text.progress(report.statuses, opening.trials)
    state = count if report.complete else f"not complete: {count}"
    return text.plain(
        f"{opening.experiment}, run {opening.run}, content {opening.content_hash[:12]}: {state}"
    )


def notes(report: Report) -> Iterator[str]:
    """Yield what a reader must know beside the rows: what all rows share, where they were made, how to read them."""
    yield from rows(report)
    yield from meanings(report)
    yield from _circumstances(report)
    yield from figures(report)
    yield from comparison(report)
    yield from labels(report)
    yield from environments(report)


def rows(report: Report) -> Iterator[str]:
    """Yield what holds for all rows."""
    constant = report.constant()
    shared = tables.environment(report)
    if shared is not None:
        constant["environment"] = shared
    if constant:
        yield (
            "In every row: "
            + ", ".join(text.plain(f"{name} = {level}") for name, level in constant.items())
            + "."
        )
    for name, earlier in report.following().items():
        yield f"{text.plain(name)} is in every row what {text.plain(earlier)} is."
    verified = tables.verified(report)
    if verified == text.NOT_CHECKED:
        yield "Not verified: the benchmark does not tell where pages ended and what they held."
    elif verified is not None:
        yield f"Verified in every row that has figures: {verified}."


def meanings(report: Report) -> Iterator[str]:
    """Yield what the levels of a factor mean, of those that occur, as the benchmark says it."""
    for factor, told in report.opening.meanings.items():
        levels = dict.fromkeys(cell.factors.get(factor, "") for cell in report.cells)
        known = [f"{level} = {told[level]}" for level in levels if level in told]
        if known:
            yield text.plain(f"{factor}: {'; '.join(known)}.", LONGEST_LEGEND)


def figures(report: Report) -> Iterator[str]:
    """Yield how often each row was run, and what its figures are."""
    counts = run(report)
    if counts and report.boots:
        yield f"Each row was run {text.span(counts, 'time')}, in {text.span(report.boots, 'boot')}."
    rule = stop_rule(report)
    if rule:
        yield f"Stop rule: {rule}."
    for unneeded in report.reasons:
        if unneeded.status == Status.SKIPPED:
            yield text.plain(f"{plural(unneeded.trials, 'trial')} {unneeded.reason}.", LONGEST_NOTE)
    shown = _shown(report)
    used = {estimate.spread.method for estimate in shown if estimate.interval is None}
    spreads = [words for method, words in SPREADS.items() if method in used]
    if shown:
        spread = f", ± {'; '.join(spreads)}" if spreads else ""
        yield f"Figures are medians of the n trials that are ok{spread}."
    told = {estimate.metric for estimate in shown}
    for metric in report.shown:
        if metric.name not in told and any(cell.n for cell in report.cells):
            yield text.plain(
                f"No {metric.name} in any row: the benchmark did not tell it in these trials; some metrics take an "
                "option of the benchmark, or a kernel that counts them.",
                LONGEST_NOTE,
            )
    yield from _intervals(report)


def run(report: Report) -> list[int]:
    """Return how often a row was run: each number that occurs, rising."""
    return sorted(
        {sum(cell.statuses.values()) - cell.statuses.get(Status.SKIPPED, 0) for cell in report.cells}
    )


def stop_rule(report: Report) -> str:
    """Return when a cell ends before its last repetition, and how many reached that; empty where none does."""
    opening = report.opening
    if opening.repetitions is None or opening.repetitions.until is None:
        return ""
    until, most = opening.repetitions.until, opening.repetitions.count
    trials = text.span(sorted({until.least, most}), "trial")
    interval = f"half the {until.confidence * 100:g} % interval of the median {text.plain(opening.headline)}"
    return (
        f"{trials} of a cell, until {interval} is at most {until.half_width * 100:g} % of it; "
        f"reached by {sum(report.precise)} of {plural(len(report.cells), 'cell')}"
    )


def environments(report: Report) -> Iterator[str]:
    """Yield what each environment of the run means."""
    for environment, sentence in report.environments.items():
        yield f"{text.plain(environment) or 'no environment'}: {sentence}"


def labels(report: Report) -> Iterator[str]:
    """Yield what each label of figures means."""
    for label, means in report.labels.items():
        yield text.plain(f"{label}: {means or 'what the benchmark calls these figures'}.", LONGEST_NOTE)


def _shown(report: Report) -> list[Estimate]:
    names = {metric.name for metric in report.shown}
    return [estimate for cell in report.cells for estimate in cell.estimates if estimate.metric in names]


def _intervals(report: Report) -> Iterator[str]:
    """What the intervals are of, and why there are none where there are none."""
    figures: list[Estimate | Speedup] = [*_shown(report), *report.speedups]
    found = {each.interval.unit: each.interval for each in figures if each.interval is not None}
    for unit, interval in found.items():
        what = f"[low, high]: {interval.confidence * 100:g} % interval of the median, or ratio of medians"
        yield f"{what}: {METHODS[unit]}."
    if "trial" in found:
        yield "An interval of one boot says nothing of how boots differ."
    missing = Counter(each.no_interval for each in figures if each.no_interval)
    for reason, count in missing.items():
        yield f"No interval for {plural(count, 'figure')}: {reason}."


def _circumstances(report: Report) -> Iterator[str]:
    """The hosts, and what the benchmark was told beyond the factors."""
    for place in circumstances.places(report):
        boots = plural(place.boots, "boot")
        if place.line:
            yield text.plain(f"Host {place.host} ({boots}): {place.line}.", LONGEST_NOTE)
    lines = circumstances.command_lines(report)
    if len(lines) > 1:
        for whose, line in lines:
            yield text.plain(f"Kernel command line of {whose}: {line}.", LONGEST_NOTE)
    options = circumstances.options(report)
    if options:
        told = ", ".join(f"{name} = {value}" for name, value in options.items())
        yield text.plain(f"Options that are no factors: {told}.", LONGEST_NOTE)
    if report.kernels:
        running = ", ".join(text.plain(f"{name} = {release}") for name, release in report.kernels.items())
        yield f"Kernel: {running}."


def comparison(report: Report) -> Iterator[str]:
    """Yield what the speed-ups are of, where each kind was made, and whose the published ones are."""
    compare = report.opening.compare
    if compare is None:
        return
    levels = ", ".join(text.plain(f"{name} = {level}") for name, level in compare.baseline.items())
    made: dict[tuple[str, bool], dict[str, None]] = {}
    for cell, found in zip(report.cells, report.speedups, strict=True):
        if found.ratio is not None and not tables.is_baseline(cell, found):
            made.setdefault((found.metric, found.modelled), {})[cell.environment] = None
    yield (
        f"speed-up: the median of a cell against that of its baseline ({levels}, all else alike) in the same "
        "environment; more than 1 is better."
    )
    mark = f" ({tables.MODELLED})" if len({modelled for _, modelled in made}) > 1 else ""
    for (metric, modelled), environments in made.items():
        what = f"modelled{mark}, of {metric}: {MODELLED}" if modelled else f"measured, of {metric}"
        yield text.plain(f"speed-up in {', '.join(environments)}: {what}.", LONGEST_NOTE)
    if compare.published:
        published = compare.published
        if any(modelled for _, modelled in made):
            yield NO_BANDWIDTH
        yield text.plain(
            f"published: the same ratio in {published.dataset} ({published.source}), measured on {published.machine}, "
            f"kernel {published.kernel}.",
            LONGEST_NOTE,
        )
        if published.method:
            yield text.plain(f"How the published figures were taken: {published.method}.", LONGEST_NOTE)
        for note in published.notes:
            yield text.plain(text.sentence(f"Note on {published.dataset}: {note}"), LONGEST_NOTE)
    missing = Counter(
        found.reason
        for cell, found in zip(report.cells, report.speedups, strict=True)
        if found.ratio is None and cell.n
    )
    for reason, count in missing.items():
        yield text.plain(f"No speed-up for {plural(count, 'row')}: {reason}.")


def reasons(report: Report) -> list[str]:
    """Return one line for each reason why trials were not ok, or attempts were repeated; the most frequent first."""
    run = [reason for reason in report.reasons if reason.status != Status.SKIPPED]
    return [*_lines(run, "trial"), *_lines(report.attempts, "repeated attempt")]


def findings(report: Report) -> list[str]:
    """Return one line for each thing that is odd about the values of a cell."""
    cells = {(cell.cell, cell.environment): cell for cell in report.cells}
    lines = []
    for found in report.findings[:FINDINGS_SHOWN]:
        cell = cells[found.cell, found.environment]
        levels = [f"{name}={cell.factors.get(name, text.NOTHING)}" for name in report.varying()]
        which = ", ".join([*levels, *([] if tables.environment(report) else [found.environment])])
        ids = ", ".join(found.trials[:TRIALS_SHOWN]) + (", ..." * (len(found.trials) > TRIALS_SHOWN))
        certain = "" if found.p is None else f" (p {found.p:.2g})"
        told = f"{which or 'the only cell'}: {found.kind}: {found.metric}: {found.told}{certain}"
        lines.append(text.plain(told + (f"; {ids}" if ids else ""), LONGEST_NOTE))
    if len(report.findings) > FINDINGS_SHOWN:
        lines.append(f"and {len(report.findings) - FINDINGS_SHOWN} more; --format json holds all of them")
    return lines


def _lines(found: Sequence[Reason], what: str) -> Iterable[str]:
    for reason in found[:REASONS_SHOWN]:
        count = plural(reason.trials, what)
        allowed = ", allowed" if reason.allowed else ""
        told = text.plain(reason.reason) or "no reason was given"
        yield f"{reason.status} ({count}{allowed}; {text.plain(reason.example)}): {told}"
    if len(found) > REASONS_SHOWN:
        yield f"and {plural(len(found) - REASONS_SHOWN, 'more reason')}; --format json holds all of them"
