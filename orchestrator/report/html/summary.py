"""What was run, in pairs of words, for the top of the page."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from orchestrator.report import notes, text
from orchestrator.report import setup as circumstances
from orchestrator.report.model import Report


@dataclass(frozen=True, slots=True)
class Summary:
    """The top of the page.

    :ivar description: what the experiment's file says of itself.
    :ivar state: how far the run came; ``alarming`` where trials are missing or not ok without leave.
    :ivar pairs: names and words, in order.
    """

    description: str
    state: str
    alarming: bool
    pairs: tuple[tuple[str, str], ...]


def summary(report: Report) -> Summary:
    """Return the top of the page."""
    statuses = text.not_ok(report.statuses)
    state = text.progress(report.statuses, report.opening.trials)
    if report.trial_count > report.unneeded:
        state += f"; {statuses}" if statuses else "; all ok"
    if report.not_allowed and statuses:
        state += f" ({report.not_allowed} of them not allowed by the experiment)"
    return Summary(
        description=circumstances.description(report),
        state=state if report.complete else f"not complete: {state}",
        alarming=bool(report.not_allowed) or not report.complete,
        pairs=tuple(_pairs(report)),
    )


def _pairs(report: Report) -> Iterator[tuple[str, str]]:
    opening = report.opening
    yield "Run", opening.run
    yield "Experiment", f"{opening.experiment}, content {opening.content_hash[:12]}"
    yield "When", f"{_time(opening.time)} to {_time(report.ended) or 'not ended'}, UTC"
    for factor in opening.factors:
        if factor.levels:
            yield f"Factor {factor.name}", ", ".join(factor.levels)
    for name, words in circumstances.benchmark(report):
        yield name.capitalize(), words
    repetitions = notes.run(report)
    if repetitions and report.boots:
        yield (
            "Trials of a cell",
            f"{text.span(repetitions, 'trial')}, in {text.span(report.boots, 'boot')}",
        )
    rule = notes.stop_rule(report)
    if rule:
        yield "Stop rule", rule
    yield "Seed of the order", str(opening.seed)
    for name, told in circumstances.kernels(report).items():
        yield f"Kernel {name}", told.pop("release")
        for what, words in told.items():
            yield f"Kernel {name}, {what}", words
    for whose, line in circumstances.command_lines(report):
        yield f"Command line of {whose}", line
    yield "Orchestrator", circumstances.commit(report)


def _time(stamp: str) -> str:
    return stamp[:19].replace("T", " ")
