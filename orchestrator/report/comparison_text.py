"""A comparison in words, for all formats for people."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from orchestrator.analysis.comparison import Row, Rules
from orchestrator.analysis.samples import Sample
from orchestrator.analysis.verdicts import Verdict
from orchestrator.environments import describe
from orchestrator.report.comparison import ComparisonReport
from orchestrator.report.text import NOTHING, number, plain, ratio
from orchestrator.units import plural

EXCLUDED_SHOWN = 20
HEADINGS = ("cell", "metric", "baseline", "new", "ratio", "interval", "p", "n (boots)", "verdict")


def title(compared: ComparisonReport) -> str:
    """Return one line that names the two sides."""
    return plain(f"{compared.new} compared with {compared.base}")


def short_verdict(row: Row, rules: Rules) -> str:
    """Return the verdict in words, without its reason."""
    words = {
        Verdict.NO_DIFFERENCE: f"no difference larger than {rules.margin * 100:g} %",
        Verdict.TOO_FEW: f"too few {rules.unit}s to say",
        Verdict.TOO_NOISY: "too noisy to say",
    }
    return words.get(row.verdict, str(row.verdict))


def verdict(row: Row, rules: Rules) -> str:
    """Return the verdict and its reason in words."""
    return short_verdict(row, rules) + (f": {row.reason}" if row.reason else "")


def only_metric(compared: ComparisonReport) -> str:
    """Return the metric of all rows with its unit; empty if there are several."""
    metrics = {(row.metric.name, row.metric.unit) for row in compared.rows}
    return plain(", ".join(filter(None, metrics.pop()))) if len(metrics) == 1 else ""


def table(compared: ComparisonReport) -> list[list[str]]:
    """Return the rows of the table, all words."""
    return [
        [
            plain(name(row, compared)),
            plain(f"{row.metric.name}, {row.metric.unit}"),
            NOTHING if row.base_median is None else number(row.base_median),
            NOTHING if row.new_median is None else number(row.new_median),
            ratio(row.ratio),
            NOTHING if row.interval is None else f"[{row.interval[0]:.4f}, {row.interval[1]:.4f}]",
            NOTHING if row.adjusted is None else f"{row.adjusted:.2g}",
            f"{_count(row.base)} / {_count(row.new)}",
            verdict(row, compared.rules) + (f" ({row.note})" if row.note else ""),
        ]
        for row in compared.rows
    ]


def name(row: Row, compared: ComparisonReport) -> str:
    """Return the levels of a row and, if the comparison has several environments, its environment."""
    words = [f"{key}={level}" for key, level in levels(row).items()] or ["the only cell"]
    return ", ".join(filter(None, [*words, environment(row, compared)]))


def levels(row: Row) -> dict[str, str]:
    """Return the factors and levels of a row; of two kernels that are compared, the new one comes first."""
    words = dict(row.factors)
    if "kernel" in words or not (row.base and row.new):
        return words
    kernels = [side.factors.get("kernel", "") for side in (row.new, row.base)]
    differ = all(kernels) and kernels[0] != kernels[1]
    return {"kernel": " / ".join(kernels), **words} if differ else words


def environment(row: Row, compared: ComparisonReport) -> str:
    """Return the environment of a row, or of its two sides; empty if the comparison has only one."""
    return "/".join(sorted(_environments([row]))) if len(_environments(compared.rows)) > 1 else ""


def notes(compared: ComparisonReport) -> Iterator[str]:
    """Yield how the experiments differ, what is doubtful, methods, environments, and the number of verdicts."""
    if compared.difference:
        yield plain(compared.difference)
    yield from compared.caveats
    yield from compared.methods
    if compared.rules.mix:
        yield "Forced comparison: rows marked MIXED ENVIRONMENTS compare different things."
    if any(row.metric.unit == "%" for row in compared.rows):
        yield "Ratios and limits of figures in % are relative; differences are in percentage points."
    for environment in sorted(_environments(compared.rows)):
        yield f"{plain(environment)}: {describe(environment)}"
    counts = Counter(row.verdict for row in compared.rows)
    yield "Verdicts: " + ", ".join(f"{count} {word}" for word, count in counts.items()) + "."
    if compared.fail_on is not None:
        worse = len(compared.regressions)
        yield f"Regressions of more than {compared.fail_on * 100:g} %, or missing figures: {worse}."
        if compared.unjudged:
            yield f"{not_judged(compared)}. Their verdicts give the reason."


def not_judged(compared: ComparisonReport) -> str:
    """Return how many rows could not be judged."""
    of = plural(len(compared.rows), "row")
    return f"{len(compared.unjudged)} of {of} cannot be judged, a regression there would go unnoticed"


def remedies(compared: ComparisonReport) -> Iterator[tuple[str, Sequence[Sequence[str]]]]:
    """Yield what would be enough for the rows without a verdict: a sentence, and commands as words."""
    unit = compared.rules.unit
    for remedy in compared.remedies:
        total = sum(row.verdict is remedy.verdict for row in compared.rows)
        rows = plural(total, "row") if remedy.rows == total else f"{remedy.rows} of {total} rows"
        needed = f"{remedy.units} {unit}s"
        if remedy.verdict is Verdict.TOO_FEW:
            what = f"Too few {unit}s: {rows}; a verdict needs {needed} per side at least."
        else:
            what = (
                f"Too noisy: {rows}; about {needed} per side give a verdict, "
                "if noise and ratio stay as they are."
            )
        commands = list(dict.fromkeys(remedy.commands))
        each = ", once for each side" if len(commands) < len(remedy.commands) else ""
        yield f"{what} Enough would be{each}:", commands


def excluded(compared: ComparisonReport) -> list[str]:
    """Return one line for each trial that is in no figure, the first :data:`EXCLUDED_SHOWN` of them."""
    lines_by_trial = {
        (
            side_name,
            trial.trial,
        ): f"{side_name}: {trial.status} {trial.trial}: {trial.reason or 'no reason given'}"
        for row in compared.rows
        for side_name, side in (("baseline", row.base), ("new", row.new))
        if side
        for trial in side.excluded
    }
    lines = [plain(line) for line in lines_by_trial.values()]
    more = len(lines) - EXCLUDED_SHOWN
    return lines[:EXCLUDED_SHOWN] + ([f"and {more} more; --format json lists all"] if more > 0 else [])


def _environments(rows: Iterable[Row]) -> set[str]:
    return {side.environment for row in rows for side in (row.base, row.new) if side}


def _count(sample: Sample | None) -> str:
    if sample is None:
        return NOTHING
    return "published" if sample.exact else f"{sample.n} ({len(sample.boots)})"
