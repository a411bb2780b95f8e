"""The README of a bundle, for an evaluator who knows nothing of this program, and the one command beside it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import jinja2

from orchestrator.analysis.claims import claims
from orchestrator.analysis.points import load_points
from orchestrator.bundle import archive, layout, modes
from orchestrator.bundle.layout import Description
from orchestrator.environments import describe
from orchestrator.experiment.loader import load
from orchestrator.experiment.model import Experiment
from orchestrator.results.manifest import Manifest
from orchestrator.results.records import BlockRecord
from orchestrator.results.runs import RunFolder
from orchestrator.units import plural

TEMPLATES = Path(__file__).parent / "templates"
WITHIN = 0.25
"""How far a ratio may be off, unless somebody asks for another bound: see docs/bundles.md."""

_CLAIMS_SHOWN = 60


@dataclass(frozen=True, slots=True)
class Facts:
    """All that a README tells of."""

    description: Description
    manifest: Manifest
    experiment: Experiment
    run: RunFolder
    blocks: tuple[BlockRecord, ...]


def write(folder: Path, facts: Facts) -> None:
    """Write README and command into a bundle's folder."""
    surroundings = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        undefined=jinja2.StrictUndefined,
        keep_trailing_newline=True,
        autoescape=False,
    )
    text = surroundings.get_template("README.md.j2").render(_values(folder, facts))
    (folder / layout.README).write_text(text, encoding="utf-8")
    command = folder / layout.REPRODUCE
    command.write_bytes((TEMPLATES / "reproduce.sh").read_bytes())
    command.chmod(archive.EXECUTABLE)


def _values(folder: Path, facts: Facts) -> dict[str, object]:
    description, provenance, experiment = facts.description, facts.manifest, facts.experiment
    found = load_points(facts.run)
    claimed = claims(found, WITHIN)
    narrowing = [
        *(f"--set {text}" for text in description.overrides),
        *(f"--where {w}" for w in description.where),
    ]
    narrowing += [f"--limit {description.limit}"] if description.limit else []
    same = description.program["source"] == provenance.source
    trials = sum(sum(point.cell.statuses.values()) for point in found.all)
    return {
        "description": description,
        "name": folder.name,
        "about": experiment.description or f"The experiment {experiment.name}.",
        "minutes": _minutes(facts, trials),
        "builds": ", ".join(kernel.name for kernel in experiment.kernels if kernel.recipe),
        "shows": modes.SHOWS,
        "provider": experiment.hosts.provider,
        "environments": "; ".join(f"{name}: {describe(name)}" for name in description.environments),
        "hosts": list(dict.fromkeys(_host(block) for block in facts.blocks)),
        "trials": trials,
        "started": provenance.started,
        "kernels": ", ".join(
            f"{name} = {told.get('release', '?')}" for name, told in provenance.kernels.items()
        )
        or "not recorded",
        "claims": claimed[:_CLAIMS_SHOWN],
        "file": description.file.removeprefix(f"{layout.EXPERIMENT}/"),
        "narrowing": ", ".join(narrowing),
        "origin": ", the one that made the run"
        if same
        else f"; the run was made by {provenance.version}, another source",
    }


def _minutes(facts: Facts, trials: int) -> Mapping[str, str]:
    """How long each mode takes, from how long each of the run's trials took."""
    took = _seconds(facts.manifest.ended) - _seconds(facts.manifest.started)
    each = took / max(1, trials)
    return {
        mode: f"about {max(1, round(each * _trials(facts, mode) / 60))} min on a machine as the one that made the run"
        for mode in modes.MODES
    }


def _trials(facts: Facts, mode: modes.Mode) -> int:
    """Number of trials of a mode."""
    description = facts.description
    found = modes.narrowed(facts.experiment, mode, in_guest=True)
    experiment = load(facts.experiment.file, overrides=(*description.overrides, *found.overrides))
    return modes.plan(experiment, description.where, found.where, description.limit, ()).trial_count


def _seconds(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


def _host(block: BlockRecord) -> str:
    facts = block.facts
    nodes = len(facts.get("nodes") or ())
    told = [
        f"{block.host}: {facts.get('cpu_model') or 'CPU not told'}",
        f"{facts.get('cpus', '?')} CPUs",
        plural(nodes, "NUMA node"),
        *([str(facts["os"])] if facts.get("os") else []),
        f"kernel {facts.get('release', '?')}",
    ]
    return ", ".join(told)
