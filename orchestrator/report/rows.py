"""The rows and notes that the forms for readers have in common."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from orchestrator.report import text
from orchestrator.report.model import Report
from orchestrator.results.store import Reason

REASONS_SHOWN = 20
SPREADS = {
    "half interquartile range": "half the interquartile range (5 trials or more)",
    "half range": "half the range (2 to 4 trials)",
}


def headings(report: Report) -> list[str]:
    """Return the heading of each column; metrics with their unit."""
    metrics = [f"{metric.name}, {metric.unit}" if metric.unit else metric.name for metric in report.shown]
    return [text.plain(name) for name in (*report.varying(), "n", *metrics)] + [
        "environment",
        "verified",
        "not ok",
    ]


def rows(report: Report) -> Iterator[list[str]]:
    """Yield one row per cell and environment, under :func:`headings`."""
    factors = report.varying()
    for cell in report.cells:
        yield [
            *(text.plain(cell.factors.get(name, text.NOTHING)) for name in factors),
            str(cell.n),
            *(text.estimate(cell.estimate(metric.name)) for metric in report.shown),
            text.plain(cell.environment) or text.NOTHING,
            text.truth(cell.truth, cell.n),
            text.not_ok(cell.statuses) or text.NOTHING,
        ]


def alignment(report: Report) -> list[str]:
    """Return ``left`` or ``right`` for each column: figures to the right."""
    return ["left"] * len(report.varying()) + ["right"] * (1 + len(report.shown)) + ["left"] * 3


def title(report: Report) -> str:
    """Return one line on which run this is and how far it came."""
    opening = report.opening
    count = f"{report.trials} of {opening.trials} trials"
    state = count if report.complete else f"not complete: {count}"
    return text.plain(
        f"{opening.experiment}, run {opening.run}, content {opening.content_hash[:12]}: {state}"
    )


def notes(report: Report) -> Iterator[str]:
    """Yield what a reader must know beside the rows: the method, what all rows share, what each environment means."""
    constant = report.constant()
    if constant:
        yield (
            "In every row: "
            + ", ".join(text.plain(f"{name} = {level}") for name, level in constant.items())
            + "."
        )
    if report.kernels:
        running = ", ".join(text.plain(f"{name} = {release}") for name, release in report.kernels.items())
        yield f"Kernel: {running}."
    used = {estimate.spread.method for cell in report.cells for estimate in cell.estimates}
    spreads = [words for method, words in SPREADS.items() if method in used]
    if spreads:
        yield f"Figures are medians of the n trials that are ok, ± {'; '.join(spreads)}."
    for environment, sentence in report.environments.items():
        yield f"{text.plain(environment) or 'no environment'}: {sentence}"


def reasons(report: Report) -> list[str]:
    """Return one line for each reason why trials were not ok, or attempts were repeated; the most frequent first."""
    return [*_lines(report.reasons, "trial"), *_lines(report.attempts, "repeated attempt")]


def _lines(found: tuple[Reason, ...], what: str) -> Iterable[str]:
    for reason in found[:REASONS_SHOWN]:
        count = f"{reason.trials} {what}{'s' if reason.trials > 1 else ''}"
        allowed = ", allowed" if reason.allowed else ""
        told = text.plain(reason.reason) or "no reason was given"
        yield f"{reason.status} ({count}{allowed}; {text.plain(reason.example)}): {told}"
    if len(found) > REASONS_SHOWN:
        yield f"and {len(found) - REASONS_SHOWN} more reasons; --format json holds all of them"
