"""What was found of one subject, as plain data."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from orchestrator.errors import OrchestratorError

FORMAT = 1
"""Version of the JSON."""

Verdict = Literal["ok", "missing", "warning"]


class Finding(Struct, frozen=True):
    """One subject on one machine.

    :ivar host: the machine; ``controller``: this one, as the controller of runs.
    :ivar verdict: ``missing``: it is not there, or does not work; ``warning``: it is there, with a restriction.
    :ivar command: a command that mends it, to be run on the machine; empty: nothing is to be mended, or no command can.
    :ivar then: what else is to be done after the command, in words.
    :ivar needed: whether the experiment cannot run without it; without an experiment always False.
    """

    host: str
    subject: str
    verdict: Verdict
    reason: str
    command: str = ""
    needed: bool = False
    then: str = ""


def reason_of(error: OrchestratorError | str, host: str = "") -> str:
    """Return the lines of an error as one, without the name of the host that its finding has."""
    return "; ".join(line.removeprefix(f"{host}: ") for line in str(error).splitlines())


class Examination(Struct, frozen=True):
    """All findings.

    :ivar experiment: name of the experiment; empty: none was asked about.
    :ivar can_run: whether the experiment can run; without one, whether any experiment could.
    """

    experiment: str
    can_run: bool
    findings: tuple[Finding, ...]
    format: int = FORMAT
