"""Run the experiment of a bundle again on this machine's hosts, and compare the two runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

from msgspec import Struct

from orchestrator.analysis.claims import evaluate
from orchestrator.analysis.points import Points, load_points
from orchestrator.bundle import contents, layout, modes, programs, provenance
from orchestrator.bundle.contents import RunContents
from orchestrator.bundle.layout import Description
from orchestrator.bundle.modes import Mode
from orchestrator.execution.launch import UserInterface, run_experiment
from orchestrator.execution.request import RunRequest
from orchestrator.experiment.model import Experiment
from orchestrator.hosts.provider import Provider
from orchestrator.report.reproduction import ProvenanceItem, Reproduction
from orchestrator.results.files import write_whole
from orchestrator.results.runs import RunFolder

FILE = "reproduction.json"
"""Written into the directory of the local run."""


class RerunRequest(Struct, frozen=True):
    """Where and how to run the experiment of a bundle again.

    :ivar overrides: ``--set`` of the bundle's run and of the mode.
    :ivar where: predicates that the mode adds to those of the bundle's run.
    :ivar new: start a new run even if an unfinished one can be resumed.
    :ivar defaults: as in :class:`~orchestrator.execution.request.RunRequest`.
    """

    experiment: Experiment
    provider: Provider
    overrides: Sequence[str]
    where: Sequence[str]
    results: Path
    cache: Path
    command_line: Sequence[str]
    new: bool = False
    defaults: Mapping[str, Mapping[str, str]] = MappingProxyType({})


def rerun(
    original: RunContents, description: Description, request: RerunRequest, interface: UserInterface
) -> RunFolder:
    """Run the experiment of a bundle, or resume that run; return the run's directory.

    Raises ``HostError`` before anything runs if a program is missing that the bundle does not hold.
    """
    experiment, provider = request.experiment, request.provider
    programs.require(experiment, original, provider)
    run_request = RunRequest(
        plan=modes.plan(experiment, description.where, request.where, description.limit, provider.hosts),
        provider=provider,
        results=request.results,
        cache=request.cache,
        overrides=request.overrides,
        command_line=request.command_line,
        new=request.new,
        defaults=request.defaults,
    )
    return run_experiment(run_request, interface).folder


def compare(
    original: RunContents,
    description: Description,
    run: RunFolder,
    mode: Mode,
    within: float,
    content_hash: str,
) -> Reproduction:
    """Compare a local run with the run in a bundle, and write ``reproduction.json`` into the local run's directory.

    :param original: the run in the bundle, read before the local run: hours are not spent on one that is damaged.
    :param within: accepted deviation of a ratio, up or down: 0.25 for 25 %.
    :param content_hash: hash of the bundle's experiment as this program computes it.
    """
    sides = original, contents.read(run)
    claimed, measured = load_points(original.folder), load_points(run)
    limit = _cpu_limit(*sides)
    judged = measured.with_at_most(limit) if limit else measured
    experiment = ProvenanceItem("experiment", description.content_hash[:12], content_hash[:12])
    reproduction = Reproduction(
        experiment=description.experiment,
        mode=mode,
        bundle_run=description.run,
        local_run=run.id,
        within=within,
        cpu_limit=limit,
        bundle_environments=_environments(claimed),
        local_environments=_environments(measured),
        provenance=(experiment, *provenance.compare(*sides)),
        claims=tuple(evaluate(claimed, judged, measured, within)),
        scrubbed=bool(description.scrubbed),
    )
    write_whole(run.path / FILE, layout.json_text(reproduction.document))
    return reproduction


def _environments(run: Points) -> tuple[str, ...]:
    return tuple(sorted({point.environment for point in run.all}))


def _cpu_limit(bundle: RunContents, local: RunContents) -> int:
    """Return the CPUs of the local host if they limit its threads and the bundle's host has more; else 0.

    On the instruction clock threads need no CPUs of their own.
    """
    if all(block.clock == "instructions" for block in local.blocks):
        return 0
    bundle_cpus, local_cpus = (
        min((int(block.facts.get("cpus") or 0) for block in side.blocks), default=0)
        for side in (bundle, local)
    )
    return local_cpus if local_cpus < bundle_cpus else 0
