"""The text at the end of ``orchestrate run``: table, legend, and three lines on trust, environment, full report."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from pathlib import Path

from orchestrator.environments import describe
from orchestrator.experiment.model import Status
from orchestrator.report import notes, text
from orchestrator.report.formats import table
from orchestrator.report.model import Report
from orchestrator.results.store import Reason
from orchestrator.terminal import command_line
from orchestrator.units import plural

_REASONS_SHOWN = 3
"""Of each status; the full report has all."""


def render(report: Report, run_folder: Path, verbose: bool = False) -> str:
    """Return title, tables, their legend and :func:`summary_lines`; with ``verbose`` all notes before these lines.

    :param run_folder: the run's directory, as the user can name it.
    """
    if verbose:
        start = table.render(report).rstrip("\n")
    else:
        parts = [notes.title(report), *table.table_texts(report), notes.legend(report)]
        start = "\n\n".join(filter(None, parts))
    return "\n".join([start, "", *summary_lines(report, run_folder)]) + "\n"


def summary_lines(report: Report, run_folder: Path) -> list[str]:
    """Return three lines: whether to trust the figures, what the environment means, where the full report is.

    A trial that is not ok and was not allowed to be so has a line more: where its output is.
    """
    unexpected = next(iter(_unexpected(report)), None)
    show = f"orchestrate results show {shlex.quote(str(run_folder))}"
    return [
        text.plain(f"Trust: {'; '.join(_trust(report))}.", notes.LONGEST_NOTE),
        *(
            [f"Output of trial {unexpected.example}: {show} --trial {unexpected.example} --text"]
            if unexpected
            else []
        ),
        f"Environment: {_environment(report)}",
        f"Full report: {command_line(['orchestrate', 'report', str(run_folder)])}",
    ]


def _trust(report: Report) -> Iterator[str]:
    ran = report.trial_count - report.unneeded
    ok = report.statuses.get(Status.OK, 0)
    not_ok = text.not_ok(report.statuses)
    allowed = "" if report.not_allowed else ", allowed"
    yield f"{ok} of {plural(ran, 'trial')} ok" + (f" ({not_ok}{allowed})" if not_ok else "")
    if not report.complete:
        yield f"not complete, {report.opening.trials} trials planned"
    unexpected = _unexpected(report)
    yield from _reasons(unexpected)
    yield _verification(report)
    if ok and (report.settings or any(block.settings for block in report.blocks)):
        yield "settings read back"
    disturbed = [each for each in (*report.reasons, *report.attempts) if each.status == Status.DISTURBED]
    if disturbed:
        # Not only by noise: a benchmark says so too of memory that its pages do not fit into.
        others = dict.fromkeys(_words(each) for each in disturbed if each not in unexpected)
        why = f": {_some(list(others))}" if others else ""
        yield f"{plural(sum(each.trials for each in disturbed), 'trial')} disturbed{why}"
    elif ran and not report.opening.unchecked:
        yield "no trial disturbed by noise"
    if report.opening.unchecked:
        yield f"not checked: {', '.join(map(text.plain, report.opening.unchecked))}"
    repeated = sum(attempt.trials for attempt in report.attempts)
    if repeated:
        yield f"{plural(repeated, 'attempt')} repeated"
    if report.damage:
        yield f"{plural(len(report.damage), 'damaged line')} of the journal left out"
    if report.findings:
        yield "anomalies in the values, see the full report"


def _unexpected(report: Report) -> list[Reason]:
    """Return why trials are not ok that the experiment does not allow to be so, the most frequent reason first."""
    return [each for each in report.reasons if not each.allowed and each.status != Status.SKIPPED]


def _reasons(unexpected: Sequence[Reason]) -> Iterator[str]:
    """Yield the most frequent reasons of each status, with the number of trials where there are several."""
    by_status: dict[str, list[Reason]] = {}
    for each in unexpected:
        by_status.setdefault(each.status, []).append(each)
    for status, found in by_status.items():
        if len(found) == 1:
            yield f"{status}: {_words(found[0])}"
        else:
            yield f"{status}: {_some([f'{_words(each)} ({each.trials})' for each in found])}"


def _words(reason: Reason) -> str:
    return text.plain(reason.reason) or notes.NO_REASON


def _some(words: Sequence[str]) -> str:
    more = len(words) - _REASONS_SHOWN
    return ", ".join(words[:_REASONS_SHOWN]) + (f" and {plural(more, 'more reason')}" if more > 0 else "")


def _verification(report: Report) -> str:
    """Return what was verified over all rows with figures."""
    rows = [cell for cell in report.cells if cell.n]
    results = {text.verification(cell.verification, cell.n, counts=False) for cell in rows}
    if len(results) == 1:
        (result,) = results
        return "pages and bytes not verified" if result == text.NOT_CHECKED else result
    wrong = sum(
        cell.verification is not None
        and (
            cell.verification.pages != cell.verification.pages_on_target
            or bool(cell.verification.bytes_wrong)
        )
        for cell in rows
    )
    if wrong:
        return f"verification errors in {wrong} of {plural(len(rows), 'row')}"
    return "verification differs between rows, see the full report" if rows else "no figures"


def _environment(report: Report) -> str:
    """Return the environment and its meaning; of several only the names."""
    if not report.environments:
        return "none, no trial has run"
    if len(report.environments) > 1:
        return f"{', '.join(map(text.plain, report.environments))}; their figures are kept separate"
    (name,) = report.environments
    return f"{text.plain(name)}, {describe(name)}"
