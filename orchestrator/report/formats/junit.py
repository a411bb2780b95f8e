"""JUnit XML for CI: a test case for each cell and environment; a trial that is not ok and not allowed fails it."""

from __future__ import annotations

import xml.etree.ElementTree as ET  # nosec B405 # writes XML, reads none
from collections import Counter
from collections.abc import Mapping

from msgspec import Struct, field

from orchestrator import timestamps
from orchestrator.analysis.summary import CellSummary
from orchestrator.experiment.model import Status
from orchestrator.report import notes, text
from orchestrator.report.model import Report
from orchestrator.units import plural

ERRORS = frozenset({Status.CRASHED, Status.TIMEOUT, Status.WRONG_KERNEL})
"""Statuses of trials that did not end by themselves; the other statuses are failures."""


class _Outcome(Struct):
    """Outcome of the trials of a cell: their duration in seconds, and how often each status and reason occurs."""

    seconds: float = 0.0
    allowed: Counter[tuple[str, str]] = field(default_factory=Counter)
    faults: Counter[tuple[str, str]] = field(default_factory=Counter)


def render(report: Report) -> str:
    """Return the run as one test suite."""
    outcomes = _outcomes(report)
    suite = ET.Element("testsuite", name=text.plain(f"{report.opening.experiment} {report.opening.run}"))
    counts: Counter[str] = Counter()
    for cell in report.cells:
        counts[_case(suite, report, cell, outcomes.get((cell.cell, cell.environment), _Outcome()))] += 1
    suite.attrib |= {
        "tests": str(len(report.cells)),
        "failures": str(counts["failure"]),
        "errors": str(counts["error"]),
        "skipped": str(counts["skipped"]),
        "time": f"{sum(outcome.seconds for outcome in outcomes.values()):.3f}",
        "timestamp": report.opening.time[:19],
    }
    ET.SubElement(suite, "system-out").text = "\n".join([notes.title(report), *notes.notes(report)])
    ET.indent(suite)
    return ET.tostring(suite, encoding="unicode", xml_declaration=True) + "\n"


def _outcomes(report: Report) -> Mapping[tuple[str, str], _Outcome]:
    outcomes: dict[tuple[str, str], _Outcome] = {}
    for trial in report.read_trials(()):
        outcome = outcomes.setdefault((trial.cell, trial.environment), _Outcome())
        outcome.seconds += _seconds(trial.started, trial.ended)
        if trial.final and trial.status != "ok":
            kept = outcome.allowed if trial.allowed else outcome.faults
            kept[trial.status, text.plain(trial.reason) or notes.NO_REASON] += 1
    return outcomes


def _case(suite: ET.Element, report: Report, cell: CellSummary, outcome: _Outcome) -> str:
    """Add a test case; return its kind: ``error``, ``failure``, ``skipped``, or empty if it passed."""
    levels = ", ".join(f"{name}={level}" for name, level in cell.factors.items())
    case = ET.SubElement(
        suite,
        "testcase",
        classname=text.plain(f"{report.opening.experiment}.{cell.environment}"),
        name=text.plain(levels),
        time=f"{outcome.seconds:.3f}",
    )
    kind = ""
    if outcome.faults:
        kind = "error" if any(status in ERRORS for status, _ in outcome.faults) else "failure"
    elif not cell.n:
        kind = "skipped"
    message = "\n".join(
        f"{status} ({plural(count, 'trial')}): {reason}"
        for (status, reason), count in (outcome.faults or outcome.allowed).items()
    )
    if kind:
        ET.SubElement(case, kind, message=message.split("\n", 1)[0] or "no trial").text = message
    figures = [f"{e.metric} = {text.estimate(e)} {e.unit}, n = {e.n}" for e in cell.estimates]
    if figures:
        ET.SubElement(case, "system-out").text = text.plain("; ".join(figures), notes.LONGEST_NOTE)
    return kind


def _seconds(started: str, ended: str) -> float:
    start, end = timestamps.seconds(started), timestamps.seconds(ended)
    return 0.0 if start is None or end is None else max(0.0, end - start)
