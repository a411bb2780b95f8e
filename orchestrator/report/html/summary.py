"""The setup of the run as pairs of name and words, and its state."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct

from orchestrator.report import notes, setup, text
from orchestrator.report.model import Report


class Summary(Struct, frozen=True):
    """State and setup of a run.

    :ivar description: from the experiment file.
    :ivar state: progress and outcome of the trials.
    :ivar alarming: whether trials are missing, or not ok and not allowed to be so.
    :ivar pairs: names and words, in order.
    """

    description: str
    state: str
    alarming: bool
    pairs: tuple[tuple[str, str], ...]


def summary(report: Report) -> Summary:
    """Return state and setup of a run."""
    statuses = text.not_ok(report.statuses)
    state = text.progress(report.statuses, report.opening.trials)
    if report.trial_count > report.unneeded:
        state += f"; {statuses}" if statuses else "; all ok"
    if report.opening.unchecked:
        state += f"; not checked: {', '.join(report.opening.unchecked)}"
    if report.not_allowed and statuses:
        state += f" ({report.not_allowed} of them not allowed by the experiment)"
    return Summary(
        description=setup.description(report),
        state=state if report.complete else f"not complete: {state}",
        alarming=bool(report.not_allowed) or not report.complete,
        pairs=tuple(_pairs(report)),
    )


def _pairs(report: Report) -> Iterator[tuple[str, str]]:
    opening = report.opening
    yield "Run", opening.run
    yield "Experiment", f"{opening.experiment}, content hash {opening.content_hash[:12]}"
    yield "Time", f"{_time(opening.time)} to {_time(report.ended) or 'not ended'}, UTC"
    for factor in opening.factors:
        if factor.levels:
            yield f"Factor {factor.name}", ", ".join(factor.levels)
    for name, words in setup.benchmark(report):
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
    for name, properties in setup.kernels(report).items():
        yield f"Kernel {name}", properties.pop("release")
        for what, words in properties.items():
            yield f"Kernel {name}, {what}", words
    for kernels, line in setup.command_lines(report):
        yield f"Command line of {kernels}", line
    yield "Orchestrator", setup.version(report)


def _time(stamp: str) -> str:
    return stamp[:19].replace("T", " ")
