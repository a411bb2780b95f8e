"""Output of ``orchestrate results``: the list of runs, and the provenance of one run."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from tabulate import tabulate

from orchestrator.environments import describe
from orchestrator.errors import BadInput
from orchestrator.experiment.model import Status
from orchestrator.report import trial_text
from orchestrator.report.text import NOTHING, not_ok, plain, progress
from orchestrator.results import codec, journal, manifest, removal
from orchestrator.results.records import TrialRecord
from orchestrator.results.runs import RunFolder
from orchestrator.results.store import RunRow, Store, TrialRow
from orchestrator.terminal import command_line
from orchestrator.units import plural

TRIALS_SHOWN = 10
"""Trials that are not ok that the provenance of a run names."""
LONGEST_REASON = 120

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
    lines += _not_ok(store, run, row)
    lines += [f"file: {path}" for path in sorted(run.path.iterdir()) if path.is_file()]
    return "\n".join(lines) + "\n"


def trials(store: Store, run: RunFolder) -> str:
    """Return a table of all records of trials, those that are not ok first."""
    row = store.run(run)
    levels = _levels(store, row)
    found = sorted(store.trials(row, ()), key=lambda trial: trial.status == Status.OK)
    table = [[*_about(trial, levels), _reason(trial) or NOTHING] for trial in found]
    headings = ("trial", "status", "cell", "repetition", "host", "reason")
    return tabulate(table, headings, tablefmt="simple", disable_numparse=True) + "\n"


def trial(run: RunFolder, identity: str, as_text: bool = False) -> str:
    """Return the records of a trial (by its id or a prefix of it), attempts included, as JSON documents or as text.

    In JSON, text on stdout is in ``stdout``, and a JSON document in ``details``. A field that would be empty as all of
    stdout is in the other one is left out.
    """
    records = [
        record
        for record in journal.read(run.journal, left_out=lambda _: None)
        if isinstance(record, TrialRecord) and record.trial.startswith(identity)
    ]
    if not records:
        raise BadInput(
            f"trial '{identity}' not found in run {run.id}; to list all trials: {_show(run)} --trials"
        )
    if as_text:
        return trial_text.render(records)
    return "".join(json.dumps(_document(record), indent=2) + "\n" for record in records)


def _document(record: TrialRecord) -> dict[str, Any]:
    """Return the document of a record. The journal has text without a JSON document in ``details``."""
    document = codec.encode(record)
    if isinstance(record.details, str):
        document["stdout"] = document.pop("details")
    elif record.details is not None and not record.stdout:
        del document["stdout"]
    return document


def _not_ok(store: Store, run: RunFolder, row: RunRow) -> Iterator[str]:
    """Yield some trials that are not ok, and how to list all."""
    levels = _levels(store, row)
    total = 0
    for trial in store.trials(row, ()):
        if trial.status in (Status.OK, Status.SKIPPED):
            continue
        total += 1
        if total <= TRIALS_SHOWN:
            identity, status, cell, repetition, host = _about(trial, levels)
            reason = f": {_reason(trial)}" if trial.reason else ""
            yield f"trial {identity}: {status}, {cell}, repetition {repetition}, {host}{reason}"
    if total > TRIALS_SHOWN:
        yield f"... and {plural(total - TRIALS_SHOWN, 'more trial')} not ok"
    yield f"list all trials: {_show(run)} --trials"
    yield f"show the output of one: {_show(run)} --trial ID --text"


def _show(run: RunFolder) -> str:
    return f"orchestrate results show {shlex.quote(str(run.path))}"


def _levels(store: Store, row: RunRow) -> dict[str, str]:
    """Return the levels of each cell by its id."""
    return {
        cell.id: ", ".join(f"{name}={level}" for name, level in cell.factors.items())
        for cell in store.cells(row)
    }


def _about(trial: TrialRow, levels: Mapping[str, str]) -> tuple[str, ...]:
    status = trial.status if trial.final else f"{trial.status} (repeated)"
    cell = plain(levels.get(trial.cell, trial.cell))
    return trial.id, status, cell, str(trial.repetition), plain(trial.host)


def _reason(trial: TrialRow) -> str:
    return plain(trial.reason, LONGEST_REASON)


def _row(store: Store, run: RunRow) -> tuple[str, ...]:
    statuses = store.statuses(run)
    return (
        run.id,
        plain(run.opening.experiment) if run.opening else run.folder.parent.name,
        run.opening.time if run.opening else NOTHING,
        progress(statuses, run.opening.trials, noun="") if run.opening else str(sum(statuses.values())),
        not_ok(statuses) or NOTHING,
        ", ".join(store.environments(run)) or NOTHING,
        removal.state(RunFolder(run.folder), removal.COMPLETE if run.complete else removal.INTERRUPTED),
    )


def _provenance(folder: Path) -> Iterator[str]:
    try:
        recorded = manifest.load(folder)
    except BadInput as error:
        yield f"no manifest: {error}"
        return
    yield f"content hash: {recorded.content_hash}"
    yield f"command: {command_line(recorded.command_line)}"
    for name, default in recorded.defaults.items():
        yield plain(f"{name}: {default.get('value', '')}, from {default.get('source', '')}")
    if recorded.overrides:
        yield f"overrides: {plain(', '.join(recorded.overrides))}"
    yield f"seed: {recorded.seed}"
    yield f"orchestrator: {recorded.version}" + (f", commit {recorded.commit}" if recorded.commit else "")
    yield f"controller: Python {recorded.python}, {plain(str(recorded.controller.get('system', 'unknown')))}"
    for role, files in recorded.roles.items():
        yield f"role {plain(role)}: {plural(len(files), 'file')}"
    if recorded.benchmark:
        yield f"benchmark: sha256 {recorded.benchmark}"
