"""Output of ``orchestrate results``: the list of runs, and the provenance of one run."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from tabulate import tabulate

from orchestrator.environments import describe
from orchestrator.errors import BadInput
from orchestrator.report.text import NOTHING, command_line, not_ok, plain, progress
from orchestrator.results import codec, journal, manifest
from orchestrator.results.records import TrialRecord
from orchestrator.results.runs import RunFolder
from orchestrator.results.store import RunRow, Store
from orchestrator.units import plural

_HEADINGS = ("run", "experiment", "started", "trials", "not ok", "environment", "state")


def runs(store: Store) -> str:
    """Return a table of all runs, oldest first."""
    table = [[*_row(store, run)] for run in store.runs()]
    if not table:
        return "No runs yet; start one with `orchestrate run EXPERIMENT.yaml`.\n"
    return tabulate(table, _HEADINGS, tablefmt="simple", disable_numparse=True) + "\n"


def one(store: Store, run: RunFolder) -> str:
    """Return the provenance of a run, its boots, and the outcome of its trials."""
    row = store.run(run)
    facts = dict(zip(_HEADINGS, _row(store, row), strict=True))
    lines = [f"{name}: {value}" for name, value in facts.items() if name != "environment"]
    lines += [f"environment: {name}: {describe(name)}" for name in store.environments(row)]
    if row.ended:
        lines.append(f"ended: {row.ended}")
    lines += _provenance(run.path)
    for block in store.blocks(row):
        boot = f"{block.kernel} on {block.host}, {block.environment}, clock {block.clock}, boot {block.boot}"
        lines.append(plain(f"block {block.block}: {boot}, {block.time}"))
    lines += [f"file: {path}" for path in sorted(run.path.iterdir()) if path.is_file()]
    return "\n".join(lines) + "\n"


def trial(run: RunFolder, identity: str) -> str:
    """Return the records of a trial (by its id or a prefix of it), attempts included, as JSON documents."""
    records = [
        record
        for record in journal.read(run.journal)
        if isinstance(record, TrialRecord) and record.trial.startswith(identity)
    ]
    if not records:
        raise BadInput(
            f"trial '{identity}' not found in run {run.id}; {run.journal} has the ids of all trials"
        )
    return "".join(json.dumps(codec.encode(record), indent=2) + "\n" for record in records)


def _row(store: Store, run: RunRow) -> tuple[str, ...]:
    statuses = store.statuses(run)
    return (
        run.id,
        plain(run.opening.experiment) if run.opening else run.folder.parent.name,
        run.opening.time if run.opening else NOTHING,
        progress(statuses, run.opening.trials, noun="") if run.opening else str(sum(statuses.values())),
        not_ok(statuses) or NOTHING,
        ", ".join(store.environments(run)) or NOTHING,
        "complete" if run.complete else "unfinished",
    )


def _provenance(folder: Path) -> Iterator[str]:
    try:
        recorded = manifest.load(folder)
    except BadInput as error:
        yield f"no manifest: {error}"
        return
    yield f"content hash: {recorded.content_hash}"
    yield f"command: {command_line(recorded.command_line)}"
    if recorded.overrides:
        yield f"overrides: {plain(', '.join(recorded.overrides))}"
    yield f"seed: {recorded.seed}"
    yield f"orchestrator: {recorded.version}" + (f", commit {recorded.commit}" if recorded.commit else "")
    yield f"controller: Python {recorded.python}, {plain(str(recorded.controller.get('system', 'unknown')))}"
    for role, files in recorded.roles.items():
        yield f"role {plain(role)}: {plural(len(files), 'file')}"
    if recorded.benchmark:
        yield f"benchmark: sha256 {recorded.benchmark}"
