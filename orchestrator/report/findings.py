"""The findings of a comparison in sentences, the gravest first."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from orchestrator.analysis.comparison import Row
from orchestrator.analysis.verdicts import Verdict
from orchestrator.report import comparison_text, text
from orchestrator.report.comparison import ComparisonReport
from orchestrator.units import plural

SENTENCES = 12
"""Most rows that have a sentence; the table has all."""
_ORDER = (
    *(Verdict.SLOWER, Verdict.FASTER, Verdict.TOO_NOISY, Verdict.TOO_FEW),
    *(Verdict.SAME_TRIALS, Verdict.NO_DIFFERENCE, Verdict.NOT_COMPARED),
)


def summary(compared: ComparisonReport) -> str:
    """Return one sentence with the number of rows by verdict."""
    names = {row.verdict: comparison_text.short_verdict(row, compared.rules) for row in compared.rows}
    counts = Counter(row.verdict for row in compared.rows)
    words = ", ".join(f"{counts[verdict]} {names[verdict]}" for verdict in _ORDER if verdict in counts)
    return f"Of {plural(len(compared.rows), 'row')}: {words}."


def sentences(compared: ComparisonReport) -> Iterator[str]:
    """Yield a sentence for each of the first :data:`SENTENCES` rows, with ratio and interval, and how many are left."""
    rows = sorted(compared.rows, key=lambda row: (_ORDER.index(row.verdict), -abs(1 - (row.ratio or 1.0))))
    for row in rows[:SENTENCES]:
        yield text.plain(_sentence(row, compared), 400)
    if len(rows) > SENTENCES:
        yield f"{plural(len(rows) - SENTENCES, 'row')} more in the table."


def ratio_in_words(row: Row, compared: ComparisonReport) -> str:
    """Return the ratio with its interval; empty if there is none."""
    if row.ratio is None:
        return ""
    words = f"ratio {text.ratio(row.ratio)}"
    if row.interval is None:
        return f"{words}, no interval"
    low, high = (f"{limit:.4f}" for limit in row.interval)
    return f"{words}, {compared.rules.confidence * 100:g} % interval {low} to {high}"


def _sentence(row: Row, compared: ComparisonReport) -> str:
    name = comparison_text.name(row, compared)
    if not comparison_text.only_metric(compared):
        name += f", {row.metric.name}"
    verdict = comparison_text.short_verdict(row, compared.rules)
    parts = [f"{name}: {verdict}", ratio_in_words(row, compared), row.reason, row.note]
    return text.sentence("; ".join(filter(None, parts)))
