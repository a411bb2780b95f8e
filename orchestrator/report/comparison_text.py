"""The words of a comparison that its forms for readers share."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

from orchestrator.analysis.comparison import Row
from orchestrator.analysis.samples import Sample
from orchestrator.environments import describe
from orchestrator.report.comparison import ComparisonReport
from orchestrator.report.text import NOTHING, number, plain, ratio

EXCLUDED_SHOWN = 20
HEADINGS = ("cell", "metric", "baseline", "new", "ratio", "interval", "p", "n (boots)", "verdict")


def title(compared: ComparisonReport) -> str:
    """Return one line on what is compared with what."""
    return plain(f"{compared.new} against {compared.base}")


def verdict(row: Row, margin: float) -> str:
    """Return the verdict in words."""
    words = {
        "no difference": f"no difference larger than {margin * 100:g} %",
        "too noisy": "too noisy to say",
    }
    return words.get(row.verdict, row.verdict) + (f": {row.reason}" if row.reason else "")


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
            verdict(row, compared.rules.margin) + (f" ({row.note})" if row.note else ""),
        ]
        for row in compared.rows
    ]


def name(row: Row, compared: ComparisonReport) -> str:
    """Return a row's levels and, where the comparison has several environments, its own."""
    kernels = {side.factors.get("kernel", "") for side in (row.base, row.new) if side}
    levels = dict(row.factors)
    if "kernel" not in levels and len(kernels) > 1 and row.base and row.new:
        levels = {"kernel": f"{row.new.factors['kernel']} / {row.base.factors['kernel']}", **levels}
    words = [f"{key}={level}" for key, level in levels.items()] or ["the only cell"]
    if len(_environments(compared.rows)) > 1:
        words.append("/".join(sorted(_environments([row]))))
    return ", ".join(words)


def notes(compared: ComparisonReport) -> Iterator[str]:
    """Yield methods, environments, and each trial that did not enter."""
    yield from compared.methods
    if compared.rules.mix:
        yield "Environments were mixed by force: where a row says so its ratio compares different things."
    for environment in sorted(_environments(compared.rows)):
        yield f"{plain(environment)}: {describe(environment)}"
    counts = Counter(row.verdict for row in compared.rows)
    yield "Verdicts: " + ", ".join(f"{count} {word}" for word, count in counts.items()) + "."
    if compared.fail_on is not None:
        worse = len(compared.regressions)
        yield f"Regressions of more than {compared.fail_on * 100:g} %, or figures that are gone: {worse}."
        if compared.unjudged:
            count = f"{len(compared.unjudged)} of {len(compared.rows)}"
            yield f"Not judged: {count} rows; a regression there would not be seen. Their verdicts say what is missing."


def excluded(compared: ComparisonReport) -> list[str]:
    """Return one line for each trial that entered no figure, the first :data:`EXCLUDED_SHOWN` of them."""
    found = {
        (
            side_name,
            trial.trial,
        ): f"{side_name}: {trial.status} {trial.trial}: {trial.reason or 'no reason given'}"
        for row in compared.rows
        for side_name, side in (("baseline", row.base), ("new", row.new))
        if side
        for trial in side.excluded
    }
    lines = [plain(line) for line in found.values()]
    more = len(lines) - EXCLUDED_SHOWN
    return lines[:EXCLUDED_SHOWN] + (
        [f"and {more} more; --format json holds all of them"] if more > 0 else []
    )


def _environments(rows: Iterable[Row]) -> set[str]:
    return {side.environment for row in rows for side in (row.base, row.new) if side}


def _count(sample: Sample | None) -> str:
    if sample is None:
        return NOTHING
    return "published" if sample.exact else f"{sample.n} ({len(sample.boots)})"
