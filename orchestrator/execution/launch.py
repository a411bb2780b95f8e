"""A run from its folder to its last record: opened anew or carried on, executed, and closed with the right code."""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from orchestrator.errors import BadInput, ExitCode, OrchestratorError
from orchestrator.execution.coordinator import Run, execute
from orchestrator.execution.observer import Observer
from orchestrator.execution.stop_rule import StopRule
from orchestrator.execution.stopping import on_signals
from orchestrator.execution.visit import needs_root
from orchestrator.experiment.model import Experiment, Status
from orchestrator.hosts.base import Provider
from orchestrator.kernels import store
from orchestrator.kernels.obtain import identity_of
from orchestrator.plan import Plan
from orchestrator.results import manifest, runs
from orchestrator.results.journal import Journal
from orchestrator.results.records import EndRecord, TrialRecord, run_record
from orchestrator.timestamps import utc_now

log = logging.getLogger(__name__)

LOG_FILE = "orchestrate.log"


@dataclass(frozen=True, slots=True)
class Opened:
    """A run's folder, its scope (see :func:`scope_of`) and whether it was there before."""

    folder: runs.RunFolder
    scope: str
    resumed: bool


def scope_of(plan: Plan, provider: Provider) -> str:
    """Hash of all that two commands must agree on to mean the same run (SHA-256, hex)."""
    experiment = plan.experiment
    roles = {role.name: manifest.hash_role(role) for role in experiment.roles}
    kernels = {k.name: identity_of(k).kernel_hash for k in experiment.kernels if k.recipe is not None}
    more = [part for part in (kernels, plan.hosts) if part]
    parts = (experiment.content_hash, plan.narrowing, provider.location, roles, *more)
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def check(plan: Plan, provider: Provider) -> None:
    """Refuse, before anything is touched, what the provider cannot or must not do."""
    if needs_root(plan.experiment) and not provider.changes_allowed:
        raise BadInput(
            f"the experiment changes settings of its host, and the host is this machine ({provider.location}); "
            "allow that with --allow-local-changes or hosts.local.allow_changes: true"
        )
    boots, until = plan.experiment.repetitions.boots, plan.experiment.repetitions.until
    if boots > 1 and not provider.boots_kernels and until is None:
        raise BadInput(
            f"repetitions.boots is {boots}, but the {provider.name} provider cannot boot its hosts again"
        )
    if until is not None and plan.experiment.hosts.fleet == "shard" and not provider.boots_kernels:
        raise BadInput(
            f"repetitions.until: hosts that share the cells give each few boots, and the {provider.name} provider "
            "cannot boot them again: no cell would ever be known well enough; write fleet: replicate, or a count"
        )


def open_folder(plan: Plan, provider: Provider, results: Path, resume: str, anew: bool) -> Opened:
    """Find the run to carry on, or make the folder of a new one; only a run of the same scope is carried on.

    :param resume: a run to carry on; ``latest`` the newest unfinished one of this experiment; empty: that one if
        there is one.
    :param anew: make a new run in any case.
    """
    name, scope = plan.experiment.name, scope_of(plan, provider)
    if anew:
        return Opened(runs.create(results, name), scope, resumed=False)
    if resume and resume != runs.LATEST:
        named = runs.find(results, resume)
        if runs.scope_of(named) != scope:
            raise BadInput(
                f"run {named.id} cannot be carried on with this command: the experiment, its --where or --limit, the "
                "place or a role's files have changed since it began; leave --resume out for a new run"
            )
        return Opened(named, scope, resumed=True)
    unfinished = runs.unfinished(results, name, scope)
    if unfinished is not None:
        return Opened(unfinished, scope, resumed=True)
    if resume:
        raise BadInput(f"no unfinished run of {name!r} as it stands; leave --resume out for a new run")
    return Opened(runs.create(results, name), scope, resumed=False)


def launch(
    plan: Plan,
    provider: Provider,
    opened: Opened,
    observer: Observer,
    cache: Path,
    overrides: Sequence[str],
    command_line: Sequence[str],
    break_locks: bool = False,
) -> ExitCode:
    """Execute what is left of a run and return the exit code that it deserves.

    :param break_locks: take hosts that others hold.

    Whatever ends it early is written into the journal and raised again; the same command then carries on.
    """
    folder, experiment = opened.folder, plan.experiment
    with Journal(folder.path) as journal, log_to(folder.path / LOG_FILE), on_signals() as stop:
        if not opened.resumed:
            where, limit = [predicate.text for predicate in plan.where], plan.limit or 0
            begun = manifest.begin(experiment, folder.id, overrides, command_line, where, limit)
            manifest.save(folder.path, begun)
        crashes, disturbed = _attempts(journal)
        run = Run(
            name=folder.id,
            plan=plan,
            provider=provider,
            journal=journal,
            observer=observer,
            stop=stop,
            folder=folder.path,
            cache=cache,
            finished=journal.finished(),
            crashes=crashes,
            disturbed=disturbed,
            resumed=opened.resumed,
            break_locks=break_locks,
            rule=_stop_rule(experiment, journal),
        )
        record = run_record(
            experiment, folder.id, plan.trial_count, opened.scope, opened.resumed, provider.hosts
        )
        journal.append(record)
        observer.run_begins(plan.trial_count, len(run.finished))
        try:
            execute(run)
        except BaseException as error:
            log.debug("the run ended early: %s", error, exc_info=not isinstance(error, OrchestratorError))
            # A second fault, such as a full disk, must not hide the first.
            with contextlib.suppress(OrchestratorError, OSError):
                _close(run, complete=False, reason=str(error) or type(error).__name__)
            raise
        _close(run, complete=True)
        return verdict(journal)


def _attempts(journal: Journal) -> tuple[Counter[str], defaultdict[str, set[tuple[str, str]]]]:
    """What earlier controllers have tried: see ``crashes`` and ``disturbed`` of :class:`Run`."""
    crashes: Counter[str] = Counter()
    disturbed: defaultdict[str, set[tuple[str, str]]] = defaultdict(set)
    for attempt in journal.attempts():
        if attempt.status is Status.DISTURBED:
            disturbed[attempt.trial].add((attempt.boot, attempt.start))
        else:
            crashes[attempt.trial] += 1
    return crashes, disturbed


def _stop_rule(experiment: Experiment, journal: Journal) -> StopRule | None:
    until = experiment.repetitions.until
    return None if until is None else StopRule(experiment, until, journal.records())


def _close(run: Run, complete: bool, reason: str = "") -> None:
    run.journal.append(EndRecord(complete, reason, utc_now()))
    kernels = {name: told | _ingredients(told) for name, told in run.kernels.items()}
    manifest.finish(run.folder, complete, _binary(run), kernels, run.programs)


def _ingredients(told: Mapping[str, Any]) -> dict[str, Any]:
    """What a kernel that was built from a recipe is made of."""
    built = store.load(told["hash"]) if told.get("hash") else None
    return {"ingredients": built.ingredients} if built else {}


def verdict(journal: Journal) -> ExitCode:
    """``OK`` if every trial is ok or was allowed not to be."""
    for record in journal.records():
        if (
            isinstance(record, TrialRecord)
            and record.final
            and record.status is not Status.OK
            and not record.allowed
        ):
            return ExitCode.TRIALS_NOT_OK
    return ExitCode.OK


@contextmanager
def log_to(path: Path) -> Iterator[None]:
    """Write everything that is logged into a file of the run."""
    handler = logging.FileHandler(path, encoding="utf-8")
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    handler.setLevel(logging.DEBUG)
    root = logging.getLogger("orchestrator")
    root.addHandler(handler)
    try:
        yield
    finally:
        root.removeHandler(handler)
        handler.close()


def _binary(run: Run) -> str:
    role = run.plan.experiment.benchmark.role
    return run.artifacts.get(role.name, "") if role else ""
