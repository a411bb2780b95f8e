"""Title and notes of a report: the text that formats for people have above and below their tables."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from orchestrator.analysis.intervals import METHODS, Interval
from orchestrator.analysis.speedup import Speedup
from orchestrator.analysis.summary import Estimate
from orchestrator.experiment.model import Status
from orchestrator.report import caveats, setup, tables, text
from orchestrator.report.model import Report
from orchestrator.results.store import Reason
from orchestrator.units import plural

REASONS_SHOWN = 20
FINDINGS_SHOWN = 20
TRIALS_SHOWN = 4
LONGEST_NOTE = 1000
LONGEST_LEGEND = 3000
NO_BANDWIDTH = (
    "The model ignores memory bandwidth and the link between nodes, which limit the published figures. It is an upper "
    "bound of what threads can gain."
)
MODELLED = "computed by the benchmark as if the parallel parts of a call ran at the same time"
NOT_REPORTED = "Some metrics need an option of the benchmark, or a kernel that counts them."
REFUSED = ("found, but '", "found, but the unit", "not the whole number")
"""Openings of the reasons of figures that the benchmark did report."""
NO_REASON = "no reason given"
SPREADS = {
    "half interquartile range": "half the interquartile range (5 or more trials)",
    "half range": "half the range (2 to 4 trials)",
}


def title(report: Report) -> str:
    """Return one line: the run and its progress."""
    opening = report.opening
    count = text.progress(report.statuses, opening.trials)
    state = count if report.complete else f"not complete: {count}"
    return text.plain(
        f"{opening.experiment}, run {opening.run}, content hash {opening.content_hash[:12]}: {state}"
    )


def notes(report: Report) -> Iterator[str]:
    """Yield all notes: what the rows share, where they were measured, how to read them."""
    yield from damage(report)
    yield from rows(report)
    yield from meanings(report)
    yield from _setup(report)
    yield from figures(report)
    yield from comparison(report)
    yield from labels(report)
    yield from environments(report)


def damage(report: Report) -> Iterator[str]:
    """Yield which lines of the journal are left out as they are damaged."""
    return caveats.damaged(report.damage)


def unchecked(report: Report) -> Iterator[str]:
    """Yield what the experiment has turned off of the checks of trials."""
    return caveats.unchecked(report.opening)


def rows(report: Report) -> Iterator[str]:
    """Yield what all rows have in common."""
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
        yield f"{text.plain(name)} equals {text.plain(earlier)} in every row."
    verified = tables.verified(report)
    if verified == text.NOT_CHECKED:
        yield caveats.NOT_VERIFIED
    elif verified is not None:
        yield f"Verified in every row with figures: {verified}."
    yield from unchecked(report)


def meanings(report: Report) -> Iterator[str]:
    """Yield the meaning of the levels that occur, according to the benchmark."""
    for factor, known in report.opening.meanings.items():
        levels = dict.fromkeys(cell.factors.get(factor, "") for cell in report.cells)
        words = [f"{level} = {known[level]}" for level in levels if level in known]
        if words:
            yield text.plain(f"{factor}: {'; '.join(words)}.", LONGEST_LEGEND)


def figures(report: Report) -> Iterator[str]:
    """Yield how often each row was run, and what the figures are."""
    counts = run(report)
    if counts and report.boots:
        yield f"Each row was run {text.span(counts, 'time')}, in {text.span(report.boots, 'boot')}."
    rule = stop_rule(report)
    if rule:
        yield f"Stop rule: {rule}."
    for skipped in report.reasons:
        if skipped.status == Status.SKIPPED:
            yield text.plain(f"{plural(skipped.trials, 'trial')} {skipped.reason}.", LONGEST_NOTE)
    yield from _medians(report)
    present = {estimate.metric for estimate in _shown(report)}
    for metric in report.shown:
        if metric.name not in present and any(cell.n for cell in report.cells):
            reason = report.missing.get(metric.name, "the benchmark did not report it")
            hint = f" {NOT_REPORTED}" if not reason.startswith(REFUSED) else ""
            yield text.plain(f"No {metric.name} in any row: {reason.rstrip('.')}.{hint}", LONGEST_NOTE)
    yield from _intervals(report)


def legend(report: Report) -> str:
    """Return what the figures of the tables are, and why rows have no speed-up; empty if there are none."""
    levels = dict.fromkeys(interval.confidence for interval in _interval_kinds(report))
    intervals = (f"{_interval(confidence)}." for confidence in levels)
    return " ".join([*_medians(report), *intervals, *_no_speedups(report)])


def _medians(report: Report) -> Iterator[str]:
    shown = _shown(report)
    used = {estimate.spread.method for estimate in shown if estimate.interval is None}
    spreads = [words for method, words in SPREADS.items() if method in used]
    if shown:
        spread = f" ± {'; '.join(spreads)}" if spreads else ""
        trials = "n ok trials" if tables.count_column(report) == "n" else "ok trials"
        yield f"Figures are medians of the {trials}{spread}."


def run(report: Report) -> list[int]:
    """Return how often rows were run: each number that occurs, in rising order."""
    return sorted(
        {sum(cell.statuses.values()) - cell.statuses.get(Status.SKIPPED, 0) for cell in report.cells}
    )


def stop_rule(report: Report) -> str:
    """Return the stop rule and how many cells reached it; empty if the experiment has none."""
    opening = report.opening
    if opening.repetitions is None or opening.repetitions.until is None:
        return ""
    until, most = opening.repetitions.until, opening.repetitions.count
    trials = text.span(sorted({until.least, most}), "trial")
    interval = f"half the {until.confidence * 100:g} % interval of the median {text.plain(opening.headline)}"
    return (
        f"{trials} per cell, until {interval} is at most {until.half_width * 100:g} % of it; "
        f"reached by {sum(report.precise)} of {plural(len(report.cells), 'cell')}"
    )


def environments(report: Report) -> Iterator[str]:
    """Yield the meaning of each environment of the run."""
    for environment, sentence in report.environments.items():
        yield f"{text.plain(environment) or 'no environment'}: {sentence}"


def labels(report: Report) -> Iterator[str]:
    """Yield the meaning of each label."""
    for label, means in report.labels.items():
        yield text.plain(f"{label}: {means or 'label given by the benchmark'}.", LONGEST_NOTE)


def _shown(report: Report) -> list[Estimate]:
    names = {metric.name for metric in report.shown}
    return [estimate for cell in report.cells for estimate in cell.estimates if estimate.metric in names]


def _with_intervals(report: Report) -> list[Estimate | Speedup]:
    return [*_shown(report), *report.speedups]


def _interval_kinds(report: Report) -> list[Interval]:
    """Return one interval for each sampling unit that occurs."""
    return list(
        {each.interval.unit: each.interval for each in _with_intervals(report) if each.interval}.values()
    )


def _interval(confidence: float) -> str:
    return f"[low, high]: {confidence * 100:g} % interval of the median or of the ratio of medians"


def _intervals(report: Report) -> Iterator[str]:
    """Yield the method of the intervals, and why figures have none."""
    intervals = _interval_kinds(report)
    for interval in intervals:
        yield f"{_interval(interval.confidence)}; {METHODS[interval.unit]}."
    if any(interval.unit == "trial" for interval in intervals):
        yield "Intervals of one boot do not cover differences between boots."
    missing = Counter(each.no_interval for each in _with_intervals(report) if each.no_interval)
    for reason, count in missing.items():
        yield f"No interval for {plural(count, 'figure')}: {reason}."


def _setup(report: Report) -> Iterator[str]:
    """Yield the hosts, and the options of the benchmark that are not factors."""
    for host in setup.hosts(report):
        boots = plural(host.boots, "boot") + (f" of {host.kernels}" if host.kernels else "")
        if host.line:
            yield text.plain(f"Host {host.name} ({boots}): {host.line}.", LONGEST_NOTE)
    lines = setup.command_lines(report)
    if len(lines) > 1:
        for kernels, line in lines:
            yield text.plain(f"Kernel command line of {kernels}: {line}.", LONGEST_NOTE)
    options = setup.options(report)
    if options:
        words = ", ".join(f"{name} = {value}" for name, value in options.items())
        yield text.plain(f"Options that are not factors: {words}.", LONGEST_NOTE)
    if report.kernels:
        running = ", ".join(text.plain(f"{name} = {release}") for name, release in report.kernels.items())
        yield f"Kernel: {running}."
    for name, words in setup.programs(report):
        yield text.plain(f"Program {name}: {words}.", LONGEST_NOTE)


def comparison(report: Report) -> Iterator[str]:
    """Yield the definition of the speed-ups, and the source of the published ones."""
    compare = report.opening.compare
    if compare is None:
        return
    levels = ", ".join(text.plain(f"{name} = {level}") for name, level in compare.baseline.items())
    kinds: dict[tuple[str, bool], dict[str, None]] = {}
    for cell, speedup in zip(report.cells, report.speedups, strict=True):
        if speedup.ratio is not None and not tables.is_baseline(cell, speedup):
            kinds.setdefault((speedup.metric, speedup.modelled), {})[cell.environment] = None
    yield (
        f"speed-up: ratio of the medians of a cell and of its baseline ({levels}, other factors equal) in the same "
        "environment; above 1 is better."
    )
    mark = f" ({tables.MODELLED})" if len({modelled for _, modelled in kinds}) > 1 else ""
    for (metric, modelled), environments in kinds.items():
        what = f"modelled{mark}, from {metric}: {MODELLED}" if modelled else f"measured, from {metric}"
        yield text.plain(f"speed-up in {', '.join(environments)}: {what}.", LONGEST_NOTE)
    if compare.published:
        published = compare.published
        if any(modelled for _, modelled in kinds):
            yield NO_BANDWIDTH
        yield text.plain(
            f"published: the same ratio in {published.dataset} ({published.source}), measured on {published.machine}, "
            f"kernel {published.kernel}.",
            LONGEST_NOTE,
        )
        if published.method:
            yield text.plain(f"Method of the published figures: {published.method}.", LONGEST_NOTE)
        for note in published.notes:
            yield text.plain(text.sentence(f"Note on {published.dataset}: {note}"), LONGEST_NOTE)
    yield from _no_speedups(report)


def _no_speedups(report: Report) -> Iterator[str]:
    """Yield why rows with figures have no speed-up."""
    missing = Counter(
        speedup.reason
        for cell, speedup in zip(report.cells, report.speedups, strict=bool(report.speedups))
        if speedup.ratio is None and cell.n
    )
    for reason, count in missing.items():
        yield text.plain(f"No speed-up for {plural(count, 'row')}: {reason}.")


def reasons(report: Report) -> list[str]:
    """Return one line for each reason why trials were not ok or were repeated, the most frequent first."""
    not_ok = [reason for reason in report.reasons if reason.status != Status.SKIPPED]
    return [*_lines(not_ok, "trial"), *_lines(report.attempts, "repeated attempt")]


def findings(report: Report) -> list[str]:
    """Return one line for each anomaly in the values of a cell."""
    cells = {(cell.cell, cell.environment): cell for cell in report.cells}
    lines = []
    for finding in report.findings[:FINDINGS_SHOWN]:
        cell = cells[finding.cell, finding.environment]
        levels = [f"{name}={cell.factors.get(name, text.NOTHING)}" for name in report.varying()]
        which = ", ".join([*levels, *([] if tables.environment(report) else [finding.environment])])
        ids = ", ".join(finding.trials[:TRIALS_SHOWN]) + (", ..." * (len(finding.trials) > TRIALS_SHOWN))
        certain = "" if finding.p is None else f" (p {finding.p:.2g})"
        line = f"{which or 'the only cell'}: {finding.kind}: {finding.metric}: {finding.message}{certain}"
        lines.append(text.plain(line + (f"; {ids}" if ids else ""), LONGEST_NOTE))
    if len(report.findings) > FINDINGS_SHOWN:
        lines.append(f"and {len(report.findings) - FINDINGS_SHOWN} more; --format json lists all")
    return lines


def _lines(reasons: Sequence[Reason], what: str) -> Iterable[str]:
    for reason in reasons[:REASONS_SHOWN]:
        count = plural(reason.trials, what)
        allowed = ", allowed" if reason.allowed else ""
        words = text.plain(reason.reason) or NO_REASON
        yield f"{reason.status} ({count}{allowed}; {text.plain(reason.example)}): {words}"
    if len(reasons) > REASONS_SHOWN:
        yield f"and {plural(len(reasons) - REASONS_SHOWN, 'more reason')}; --format json lists all"
