"""The README of a bundle, for an artifact evaluator, and the ``reproduce`` script beside it."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from pathlib import Path

import jinja2

from orchestrator.analysis.claims import claims
from orchestrator.analysis.points import load_points
from orchestrator.bundle import archive, layout, modes, programs
from orchestrator.bundle.contents import RunContents
from orchestrator.bundle.layout import Description
from orchestrator.environments import describe
from orchestrator.experiment.loader import load
from orchestrator.experiment.model import Experiment
from orchestrator.results.records import BlockRecord
from orchestrator.timestamps import seconds
from orchestrator.units import plural

TEMPLATES = Path(__file__).parent / "templates"
WITHIN = 0.25
"""Default tolerance of ratios, up or down; docs/bundles.md says why."""

_CLAIMS_SHOWN = 60


def write(folder: Path, description: Description, contents: RunContents, experiment: Experiment) -> None:
    """Write the README and the script into a bundle's directory."""
    environment = jinja2.Environment(  # nosec B701 # Markdown and a shell script, no HTML
        loader=jinja2.FileSystemLoader(TEMPLATES),
        undefined=jinja2.StrictUndefined,
        keep_trailing_newline=True,
        autoescape=False,
    )
    values = _values(description, contents, experiment)
    text = environment.get_template("README.md.j2").render(values, name=folder.name)
    (folder / layout.README).write_text(text, encoding="utf-8")
    script = folder / layout.REPRODUCE
    script.write_bytes((TEMPLATES / "reproduce.sh").read_bytes())
    script.chmod(archive.EXECUTABLE)


def about(experiment: Experiment) -> str:
    """Return the description of an experiment, or a sentence with its name if it has none."""
    return experiment.description or f"The experiment {experiment.name}."


def _values(description: Description, contents: RunContents, experiment: Experiment) -> dict[str, object]:
    points = load_points(contents.folder)
    trials = sum(sum(point.cell.statuses.values()) for point in points.all)
    results = claims(points, WITHIN)
    needed = programs.needed(experiment, contents)
    lacking = programs.lacking_in_guest(experiment, needed)
    return {
        "description": description,
        "about": about(experiment),
        "minutes": _minutes(description, contents, experiment, trials),
        "kernels_to_build": ", ".join(kernel.name for kernel in experiment.kernels if kernel.recipe),
        "modes": modes.DESCRIPTIONS,
        "programs": needed,
        "installs": bool(experiment.roles),
        "lacking": lacking,
        "smoke": "sh reproduce smoke --host local" if lacking else "sh reproduce",
        "provider": experiment.hosts.provider,
        "environments": [f"{name}: {describe(name)}" for name in description.environments],
        "hosts": list(dict.fromkeys(_host(block) for block in contents.blocks)),
        "trials": trials,
        "started": contents.manifest.started,
        "kernels": ", ".join(
            f"{name} = {kernel.get('release', '?')}" for name, kernel in contents.manifest.kernels.items()
        )
        or "not recorded",
        "claims": results[:_CLAIMS_SHOWN],
        "more_claims": len(results[_CLAIMS_SHOWN:]),
        "file": description.experiment_file.removeprefix(f"{layout.EXPERIMENT}/"),
        "options": " ".join(_options(description)),
        "source": "the version that made the run"
        if description.program.made_the_run
        else f"not the version that made the run ({description.program.run_version}, another source)",
    }


def _options(description: Description) -> list[str]:
    """Return the options of the run that selected or changed its cells, as on the command line."""
    options = [f"--set {shlex.quote(override)}" for override in description.overrides]
    options += [f"--where {shlex.quote(predicate)}" for predicate in description.where]
    return options + ([f"--first {description.limit}"] if description.limit else [])


def _minutes(
    description: Description, contents: RunContents, experiment: Experiment, trials: int
) -> Mapping[str, str]:
    """Estimate the duration of each mode from the run's time per trial."""
    began, ended = seconds(contents.manifest.started), seconds(contents.manifest.ended)
    per_trial = 0.0 if began is None or ended is None else (ended - began) / max(1, trials)
    return {
        mode: f"about {max(1, round(per_trial * _trials(description, experiment, mode) / 60))} min"
        for mode in modes.MODES
    }


def _trials(description: Description, experiment: Experiment, mode: modes.Mode) -> int:
    """Return the number of trials of a mode."""
    reduction = modes.reduction(experiment, mode, in_guest=True)
    reduced = load(experiment.file, overrides=(*description.overrides, *reduction.overrides))
    return modes.plan(reduced, description.where, reduction.where, description.limit, ()).trial_count


def _host(block: BlockRecord) -> str:
    facts = block.facts
    parts = [
        f"{block.host}: {facts.get('cpu_model') or 'CPU unknown'}",
        f"{facts.get('cpus', '?')} CPUs",
        plural(len(facts.get("nodes") or ()), "NUMA node"),
        *([str(facts["os"])] if facts.get("os") else []),
        f"kernel {facts.get('release', '?')}",
    ]
    return ", ".join(parts)
