"""A bundle's run done again on this machine, and judged."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from orchestrator.analysis.claims import ClaimResult, evaluate
from orchestrator.analysis.points import Points, load_points
from orchestrator.bundle import layout, likeness, modes
from orchestrator.bundle.layout import Description
from orchestrator.bundle.likeness import ProvenanceItem
from orchestrator.bundle.modes import Mode
from orchestrator.errors import ExitCode
from orchestrator.execution import launch as launching
from orchestrator.execution.observer import Observer
from orchestrator.experiment.model import Experiment
from orchestrator.hosts.base import Provider
from orchestrator.kernels.make import ProgressCallback
from orchestrator.kernels.obtain import obtain
from orchestrator.results import manifest
from orchestrator.results.files import write_whole
from orchestrator.results.runs import RunFolder
from orchestrator.units import plural

FILE = "reproduction.json"
FORMAT = 2


@dataclass(frozen=True, slots=True)
class Reproduction:
    """A run done again, beside the bundle's.

    :ivar within: how far ratios could be off: 0.25 for 25 %.
    :ivar cpus: of the host here, where that has fewer than the bundle's; else 0.
    :ivar environments: those of the bundle's run, and those of the one made here.
    """

    description: Description
    mode: Mode
    run: RunFolder
    within: float
    cpus: int
    environments: tuple[tuple[str, ...], tuple[str, ...]]
    alike: tuple[ProvenanceItem, ...]
    judged: tuple[ClaimResult, ...]

    @property
    def exit_code(self) -> ExitCode:
        """``REGRESSION`` if a claim does not hold."""
        broken = any(judged.verdict == "does not hold" for judged in self.judged)
        return ExitCode.REGRESSION if broken else ExitCode.OK

    @property
    def document(self) -> dict[str, Any]:
        """All of it as plain data, format 2."""
        return {
            "format": FORMAT,
            "type": "reproduction",
            "bundle_run": self.description.run,
            "run": self.run.id,
            "mode": self.mode,
            "within": self.within,
            "cpus": self.cpus,
            "environments": {"there": self.environments[0], "here": self.environments[1]},
            "alike": [asdict(compared) | {"same": compared.same} for compared in self.alike],
            "claims": [asdict(judged) for judged in self.judged],
        }


@dataclass(frozen=True, slots=True)
class Rerun:
    """How a run is done again.

    :ivar overrides: ``--set`` of the bundle's run and of the mode.
    :ivar ends: predicates by which the mode narrows the sweep.
    """

    experiment: Experiment
    provider: Provider
    mode: Mode
    overrides: Sequence[str]
    ends: Sequence[str]
    results: Path
    cache: Path
    command_line: Sequence[str]
    anew: bool = False


def run_again(
    description: Description,
    rerun: Rerun,
    building: Callable[[str], AbstractContextManager[ProgressCallback]],
    observing: Callable[[], AbstractContextManager[Observer]],
    say: ProgressCallback,
) -> RunFolder:
    """Run the experiment of a bundle here, or carry that on; return the run's folder.

    Kernels of recipes are built first, and kept. ``building`` and ``observing`` show how it goes.
    """
    experiment = rerun.experiment
    hosts = rerun.provider.hosts if experiment.hosts.fleet == "replicate" else ()
    plan = modes.plan(experiment, description.where, rerun.ends, description.limit, hosts)
    launching.check(plan, rerun.provider)
    for kernel in experiment.kernels:
        if kernel.recipe is not None:
            with building(f"kernel {kernel.name}") as told:
                obtain(kernel, told)
    opened = launching.open_folder(plan, rerun.provider, rerun.results, "", rerun.anew)
    word = "carrying on" if opened.resumed else "run"
    say(f"{word} {opened.folder.id}: {plural(plan.cell_count, 'cell')}, {plural(plan.trial_count, 'trial')}")
    with observing() as observer:
        launching.launch(
            plan, rerun.provider, opened, observer, rerun.cache, rerun.overrides, rerun.command_line
        )
    return opened.folder


def judge_run(
    bundle: Path, description: Description, run: RunFolder, mode: Mode, within: float, meaning: str
) -> Reproduction:
    """Set a run beside that of a bundle, and keep what was found in the run's folder.

    :param meaning: content hash that the bundle's experiment has to this program.
    """
    original = RunFolder(bundle / layout.RUN)
    sides = [likeness.side(manifest.load(folder.path), folder) for folder in (original, run)]
    there, here = load_points(original), load_points(run)
    cpus = _fewer_cpus(*sides)
    judged = tuple(evaluate(there, here.with_at_most(cpus) if cpus else here, here, within))
    environments = (_environments(there), _environments(here))
    same = ProvenanceItem("experiment", description.content_hash[:12], meaning[:12])
    alike = (same, *likeness.compare(sides[0], sides[1]))
    reproduction = Reproduction(description, mode, run, within, cpus, environments, alike, judged)
    write_whole(run.path / FILE, layout.json_text(reproduction.document))
    return reproduction


def _environments(run: Points) -> tuple[str, ...]:
    return tuple(sorted({point.environment for point in run.all}))


def _fewer_cpus(there: likeness.Side, here: likeness.Side) -> int:
    """CPUs of the host here, if it has fewer than the one there and threads need CPUs of their own; else 0."""
    if all(block.clock == "instructions" for block in here.blocks):
        return 0
    counts = [
        min((int(block.facts.get("cpus") or 0) for block in side.blocks), default=0) for side in (there, here)
    ]
    return counts[1] if counts[1] < counts[0] else 0
