"""A run from its request to its last record: folder opened, kernels built, trials executed, exit code found."""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from orchestrator.errors import BadInput, ExitCode, HostError, Interrupted, OrchestratorError
from orchestrator.execution.coordinator import execute
from orchestrator.execution.jobs.roles import check_roles
from orchestrator.execution.missing import missing
from orchestrator.execution.observer import Observer
from orchestrator.execution.run import Run
from orchestrator.execution.stopping import MAX_HOURS, after, on_signals, reserve
from orchestrator.execution.visit import needs_root
from orchestrator.hosts.base import Provider
from orchestrator.kernels import store
from orchestrator.kernels.obtain import identity_of, obtain
from orchestrator.plan import Plan
from orchestrator.results import manifest, runs
from orchestrator.results.journal import Journal
from orchestrator.results.records import EndRecord, run_record
from orchestrator.timestamps import utc_now
from orchestrator.units import plural

log = logging.getLogger(__name__)

LOG_FILE = "orchestrate.log"


@dataclass(frozen=True, slots=True)
class RunRequest:
    """What to run, and where its results go.

    :ivar results: folder of all runs; ``cache``: folder for what is built and fetched.
    :ivar overrides: texts of ``--set``; ``command_line``: of the controller. Both go into the manifest.
    :ivar resume: id of the run to resume; ``latest``: the newest unfinished one of this experiment; empty: that one if
        there is one, else a new run.
    :ivar new: begin a new run even if there is one to resume.
    :ivar break_locks: take hosts that other runs hold.
    """

    plan: Plan
    provider: Provider
    results: Path
    cache: Path
    overrides: Sequence[str] = ()
    command_line: Sequence[str] = ()
    resume: str = ""
    new: bool = False
    break_locks: bool = False


class UserInterface(Protocol):
    """How a run shows its progress."""

    def building(self, name: str) -> AbstractContextManager[Callable[[str], None]]:
        """Show the build of ``name``; the function takes one line of progress."""

    def progress(self) -> AbstractContextManager[Observer]:
        """Show the progress of the run."""

    def say(self, text: str) -> None:
        """Show one line."""

    def ended_early(self, folder: runs.RunFolder) -> None:
        """Show what a run has measured that ends with an error."""


@dataclass(frozen=True, slots=True)
class RunResult:
    """A run that was executed to its end, and the exit code for it."""

    folder: runs.RunFolder
    exit_code: ExitCode


def run_experiment(request: RunRequest, interface: UserInterface) -> RunResult:
    """Run an experiment, or resume its unfinished run.

    Whatever ends it early is written into the journal and raised again; the same command then resumes the run.
    """
    plan = request.plan
    check_provider(plan, request.provider)
    for kernel in plan.experiment.kernels:
        if kernel.recipe is not None:  # before a run begins, as it may take minutes, and fail
            with interface.building(f"kernel {kernel.name}") as say:
                obtain(kernel, say)
    run = _open_folder(request)
    word = "resuming run" if run.resumed else "run"
    at_most = "at most " if plan.may_end_early() else ""
    cells, trials = plural(plan.cell_count, "cell"), plural(plan.trial_count, "trial")
    interface.say(f"{word} {run.folder.id}: {cells}, {at_most}{trials}")
    try:
        with interface.progress() as observer:
            return RunResult(run.folder, _execute(request, run, observer))
    except OrchestratorError:
        with contextlib.suppress(OrchestratorError, OSError):  # a second fault must not hide the first
            interface.ended_early(run.folder)
        raise


def check_provider(plan: Plan, provider: Provider) -> None:
    """Refuse, before any host is contacted, what the provider cannot or must not do."""
    if needs_root(plan.experiment) and not provider.changes_allowed:
        raise BadInput(
            f"the experiment changes settings of this machine ({provider.location}); "
            "allow it with --allow-local-changes or hosts.local.allow_changes: true"
        )
    if provider.batch is not None:
        check_roles(plan.experiment)
        return  # each boot is a job
    boots, until = plan.experiment.repetitions.boots, plan.experiment.repetitions.until
    if boots > 1 and not provider.boots_kernels and until is None:
        raise BadInput(
            f"repetitions.boots is {boots}, but the {provider.name} provider cannot reboot its hosts; "
            "set repetitions.boots: 1, or use hosts whose kernel can be booted"
        )
    if until is not None and plan.experiment.hosts.fleet == "shard" and not provider.boots_kernels:
        raise BadInput(
            f"repetitions.until with fleet: shard requires reboots, and the {provider.name} provider cannot reboot "
            "hosts; use repetitions.count, or set fleet: replicate"
        )
    _check_cost(plan, provider)


def _check_cost(plan: Plan, provider: Provider) -> None:
    """Refuse a run that is expected to exceed ``limits.max_hours`` or ``limits.max_cost``."""
    limits = plan.experiment.limits
    hours = plan.estimate(boot_s=provider.boot_estimate).seconds / 3600
    if limits.max_hours is not None and hours > limits.max_hours:
        raise BadInput(
            f"limits.max_hours is {limits.max_hours:g}, but the run takes about {hours:.1f} hours; "
            "raise the limit, or run less with --where, --limit or --set repetitions=N"
        )
    quote = provider.quote(hours * 3600)
    if quote is None or limits.max_cost is None:
        return
    if quote.cost is None:
        raise BadInput(
            f"limits.max_cost is set, but the price of {quote.machine_type} is unknown; use limits.max_hours"
        )
    if quote.cost > limits.max_cost:
        raise BadInput(
            f"limits.max_cost is {limits.max_cost:g} USD, but the run costs about {quote.cost:.2f} USD ({quote})"
        )


@dataclass(frozen=True, slots=True)
class _OpenRun:
    """A run's folder, its scope (see :func:`_scope_of`) and whether it existed before."""

    folder: runs.RunFolder
    scope: str
    resumed: bool


def _scope_of(plan: Plan, provider: Provider) -> str:
    """Return the hash of all that two commands must agree on to mean the same run (SHA-256, hex)."""
    experiment = plan.experiment
    roles = {role.name: manifest.hash_role(role) for role in experiment.roles}
    kernels = {k.name: identity_of(k).kernel_hash for k in experiment.kernels if k.recipe is not None}
    more = [part for part in (kernels, plan.hosts) if part]
    parts = (experiment.content_hash, plan.selection, provider.location, roles, *more)
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def _open_folder(request: RunRequest) -> _OpenRun:
    """Find the run to resume, or make the folder of a new one; only a run of the same scope is resumed."""
    name, scope = request.plan.experiment.name, _scope_of(request.plan, request.provider)
    results, resume = request.results, request.resume
    if request.new:
        return _OpenRun(runs.create(results, name), scope, resumed=False)
    if resume and resume != runs.LATEST:
        named = runs.find(results, resume)
        if runs.scope_of(named) != scope:
            raise BadInput(
                f"cannot resume run {named.id} with this command: the experiment, --where, --limit, the hosts, a "
                "kernel or a role has changed since it started; restore them, or start a new run with --new"
            )
        return _OpenRun(named, scope, resumed=True)
    unfinished = runs.unfinished(results, name, scope)
    if unfinished is not None:
        return _OpenRun(unfinished, scope, resumed=True)
    if resume:
        raise BadInput(
            f"no unfinished run of this experiment (name {name!r}, same options) to resume; "
            "omit --resume to start one"
        )
    return _OpenRun(runs.create(results, name), scope, resumed=False)


def _execute(request: RunRequest, opened: _OpenRun, observer: Observer) -> ExitCode:
    """Execute what is left of a run; return ``OK`` if every trial is ok or was allowed not to be."""
    folder, plan, provider = opened.folder, request.plan, request.provider
    with Journal(folder.path) as journal, log_to(folder.path / LOG_FILE), on_signals() as stop:
        if not opened.resumed:
            where, limit = [predicate.text for predicate in plan.where], plan.limit or 0
            new_manifest = manifest.begin(
                plan.experiment, folder.id, request.overrides, request.command_line, where, limit
            )
            manifest.save(folder.path, new_manifest)
        run = Run(
            folder.id,
            plan,
            provider,
            journal,
            observer,
            stop,
            folder.path,
            request.cache,
            resumed=opened.resumed,
            break_locks=request.break_locks,
        )
        run.replay(journal.records())
        run.write(
            run_record(
                plan.experiment, folder.id, plan.trial_count, opened.scope, opened.resumed, provider.hosts
            )
        )
        observer.run_begins(plan.trial_count, run.finished_count)
        try:
            with after(stop, _time_left(plan), MAX_HOURS):
                execute(run)
        except BaseException as error:
            log.debug("the run ended early: %s", error, exc_info=not isinstance(error, OrchestratorError))
            # A second fault, such as a full disk, must not hide the first.
            with contextlib.suppress(OrchestratorError, OSError):
                _close(run, complete=False, reason=str(error) or type(error).__name__)
            if isinstance(error, Interrupted) and stop.by == MAX_HOURS:
                raise HostError("\n".join([f"stopped by {MAX_HOURS}", *missing(run)])) from None
            raise
        _close(run, complete=True)
        return ExitCode.OK if run.all_ok else ExitCode.TRIALS_NOT_OK


def _time_left(plan: Plan) -> float | None:
    """Return the seconds after which no further trial begins, so that the last one ends within the limit."""
    limits = plan.experiment.limits
    if limits.max_hours is None:
        return None
    return max(0.0, limits.max_hours * 3600 - reserve(plan.experiment))


def _close(run: Run, complete: bool, reason: str = "") -> None:
    """Write the last record, and complete the manifest."""
    run.write(EndRecord(complete, reason, utc_now()))
    kernels = {name: kernel | _ingredients(kernel) for name, kernel in run.kernels.items()}
    manifest.finish(run.folder, complete, run.benchmark_hash, kernels, run.programs)


def _ingredients(kernel: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a kernel that was built from a recipe is made of."""
    built = store.load(kernel["hash"]) if kernel.get("hash") else None
    return {"ingredients": built.ingredients} if built else {}


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
