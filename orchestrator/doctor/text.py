"""An examination as text: a line for each finding."""

from __future__ import annotations

from collections.abc import Iterator

from orchestrator.doctor.controller import CONTROLLER
from orchestrator.doctor.finding import Examination, Finding
from orchestrator.hosts.selector import LOCAL
from orchestrator.units import plural


def lines(examination: Examination) -> Iterator[str]:
    """Yield the findings, and for an experiment whether it can run."""
    findings = examination.findings
    host_width = max(len(finding.host) for finding in findings)
    width = max(len(finding.subject) for finding in findings)
    for finding in findings:
        yield (
            f"{finding.verdict:7}  {finding.host:{host_width}}  {finding.subject:{width}}  "
            f"{finding.reason}{_command(finding)}"
        )
    lacks = [one.subject for one in findings if one.needed and one.verdict == "missing"]
    if examination.experiment and examination.can_run:
        yield f"{examination.experiment} can run here"
    elif examination.experiment:
        unmet = plural(len(lacks), "requirement")
        yield f"{examination.experiment} cannot run here; {unmet} not met: {', '.join(lacks)}"
    elif not examination.can_run:
        yield "no experiment can run on what was examined"


def _command(finding: Finding) -> str:
    """Return the command that mends it, with the machine that it is for: pasted elsewhere, it would change that one."""
    if not finding.command:
        return ""
    where = "" if finding.host in (CONTROLLER, LOCAL) else f"on {finding.host} "
    return f"; {where}run: {finding.command}{f'; then {finding.then}' if finding.then else ''}"
