"""The record of a trial, from what the runner reported."""

from __future__ import annotations

import signal
from collections.abc import Mapping
from typing import Any

from msgspec import Struct, to_builtins
from msgspec.structs import replace

from orchestrator.execution import noise
from orchestrator.execution.host_journal import TrialEnd
from orchestrator.execution.metrics import Output
from orchestrator.execution.streams import Stream, stream
from orchestrator.experiment.model import Experiment, Status
from orchestrator.plan.cells import expression_values
from orchestrator.plan.model import Cell, Trial
from orchestrator.results.records import OUTPUT_KEPT, TrialRecord
from orchestrator.units import format_limit


class TrialContext(Struct, frozen=True):
    """Where the trials of a block run."""

    block: int
    host: str
    boot: str
    environment: str
    kernel_hash: str = ""


def factors_of(cell: Cell) -> dict[str, str]:
    """Level texts by factor name; the kernel is always among them."""
    return {"kernel": cell.kernel, **{name: level.text for name, level in cell.levels.items()}}


def record(
    experiment: Experiment, trial: Trial, place: TrialContext, seen: TrialEnd, disturbed: int = 0
) -> TrialRecord:
    """Return the record of a trial that ended on the host; not ``final`` if it is to be run again.

    :param disturbed: how often it was disturbed before.
    """
    benchmark = experiment.benchmark
    stdout = stream("stdout", seen.stdout, seen.stdout_cut)
    stderr = stream("stderr", seen.stderr, seen.stderr_cut)
    output = Output(stdout, stderr, seen.usage)
    readings = output.read(benchmark.metrics)
    status, reason = _ending(experiment, place, seen, output.document, stdout, stderr)
    missing = readings.missing if status is Status.OK else {}
    if benchmark.headline in missing:
        status, reason = Status.FAILED, _without_headline(benchmark.headline, missing)
    end_of_stdout = seen.stdout[-OUTPUT_KEPT:]
    final = True
    disturbance = _disturbance(experiment, place, seen) if status is Status.OK else ""
    if disturbance:
        status, reason = Status.DISTURBED, disturbance
        final = experiment.noise is None or disturbed >= experiment.noise.retries
    return replace(
        _unstarted(trial, place),
        boot=seen.boot,
        status=status,
        reason=reason,
        metrics=readings.found,
        start=seen.start,
        end=seen.end,
        exit_code=seen.exit_code,
        settings=seen.settings,
        counters=seen.counters,
        noise={**seen.noise, "busy": to_builtins(seen.busy)} if seen.busy else seen.noise,
        kernel_log=seen.kernel_log or (),
        details=end_of_stdout if output.document is None else output.document,
        stdout="" if output.document is None or output.is_document else end_of_stdout,
        stderr=seen.stderr[-OUTPUT_KEPT:],
        cut=tuple(one.name for one in (stdout, stderr) if one.is_cut),
        strays=seen.strays,
        missing=missing,
        allowed=is_allowed(experiment, trial.cell, status),
        final=final,
    )


def crashed(trial: Trial, place: TrialContext, reason: str, final: bool) -> TrialRecord:
    """Return the record of a trial whose host died under it."""
    return replace(_unstarted(trial, place), status=Status.CRASHED, reason=reason, final=final)


def unreadable(trial: Trial, place: TrialContext, seen: TrialEnd, reason: str) -> TrialRecord:
    """Return the record of a trial that ended, but of which no record can be made."""
    return replace(
        _unstarted(trial, place),
        boot=seen.boot,
        status=Status.FAILED,
        reason=reason,
        start=seen.start,
        end=seen.end,
        exit_code=seen.exit_code,
    )


def wrong_kernel(trial: Trial, place: TrialContext, fault: str) -> TrialRecord:
    """Return the record of a trial that was not run, as its kernel is not the one that runs."""
    reason = wrong_kernel_reason(trial.cell.kernel, fault)
    return replace(_unstarted(trial, place), status=Status.WRONG_KERNEL, reason=reason)


def wrong_kernel_reason(kernel: str, fault: str) -> str:
    """Return why a host runs none of the trials of ``kernel``."""
    return f"not running kernel {kernel!r}: {fault}"


def not_needed(trial: Trial, place: TrialContext, block: int, reason: str) -> TrialRecord:
    """Return the record of a trial that was saved; ``place`` is where the cell ran before."""
    where = replace(place, block=block)
    return replace(_unstarted(trial, where), status=Status.SKIPPED, reason=reason, allowed=True)


def _unstarted(trial: Trial, place: TrialContext) -> TrialRecord:
    return TrialRecord(
        trial=trial.id,
        cell=trial.cell.id,
        repetition=trial.repetition,
        factors=factors_of(trial.cell),
        block=place.block,
        host=place.host,
        boot=place.boot,
        environment=place.environment,
        kernel_hash=place.kernel_hash,
        status=Status.SKIPPED,
        reason="",
        metrics={},
        start="",
        end="",
    )


def is_allowed(experiment: Experiment, cell: Cell, status: Status) -> bool:
    """Whether a status other than ``ok`` was foreseen by the file (``allow_unsupported``)."""
    if status is not Status.UNSUPPORTED:
        return False
    seen = expression_values(experiment.benchmark, cell)
    return any(predicate.holds(seen) for predicate in experiment.allow_unsupported)


def _ending(
    experiment: Experiment, place: TrialContext, seen: TrialEnd, document: Any, stdout: Stream, stderr: Stream
) -> tuple[Status, str]:
    """Judge how the program ended: what the runner saw comes first, then the benchmark's own word."""
    if seen.refused:
        return Status.FAILED, seen.refused
    if seen.timed_out:
        limit = format_limit(experiment.limits.trial, place.environment)
        return (
            Status.TIMEOUT,
            f"timed out after {limit} (limits.trial){_last_words(document, stdout, stderr)}",
        )
    if seen.signal:
        killed = f"killed by {_signal_name(seen.signal)}"
        return Status.FAILED, killed + _last_words(document, stdout, stderr)
    status = experiment.benchmark.exit_codes.get(
        seen.exit_code or 0, Status.OK if seen.exit_code == 0 else Status.FAILED
    )
    reason = str(document.get("reason", "")) if isinstance(document, Mapping) else ""
    if status is not Status.OK:
        quote = _last_words(document, stdout, stderr) if status is Status.FAILED else ""
        return status, reason or stderr.last_line or f"exit code {seen.exit_code}{quote}"
    return Status.OK, ""


def _last_words(document: Any, stdout: Stream, stderr: Stream) -> str:
    """Quote the last line that a program printed; of stdout only if that is text. Empty if there is none."""
    if stderr.last_line:
        return f"; last line of stderr: {stderr.last_line}"
    if stdout.last_line and document is None:
        return f"; last line of stdout: {stdout.last_line}"
    return "; it printed nothing" if not stdout.text.strip() else ""


def _signal_name(number: int) -> str:
    """Return the name of a signal; real-time signals have none but the first and the last."""
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def _without_headline(headline: str, missing: Mapping[str, str]) -> str:
    """Say why the headline has no figure, and which other metrics have none for the same reason."""
    fault = missing[headline]
    names = [name for name, other in missing.items() if other == fault]
    return f"metric{'s' if len(names) > 1 else ''} {', '.join(names)}: {fault}"


def _disturbance(experiment: Experiment, place: TrialContext, seen: TrialEnd) -> str:
    """Why a trial that is ok otherwise was disturbed; empty if it was not."""
    waited = format_limit(seen.waited, place.environment)
    found = (
        [] if seen.settled else [f"the CPUs were not idle within {waited} (limits.settle; 0: do not wait)"]
    )
    if experiment.noise is not None:
        nodes = experiment.hosts.needs.numa_nodes
        found += noise.reasons(experiment.noise, nodes, seen.noise, seen.kernel_log)
    return "; ".join(found)
