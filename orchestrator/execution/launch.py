"""A run from its request to its last record: folder opened, kernels built, trials executed, exit code found."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any, Protocol

from msgspec import Struct

from orchestrator.errors import (
    ExitCode,
    HostError,
    HostLost,
    Interrupted,
    KernelError,
    OrchestratorError,
)
from orchestrator.execution.coordinator import execute
from orchestrator.execution.missing import missing
from orchestrator.execution.observer import Observer
from orchestrator.execution.provider_checks import check_provider
from orchestrator.execution.request import RunRequest, run_to_resume, scope_of
from orchestrator.execution.run import Run
from orchestrator.execution.stopping import MAX_HOURS, after, on_signals, reserve
from orchestrator.hosts.provider import Provider
from orchestrator.hosts.rented.provider import RentedProvider
from orchestrator.kernels import store
from orchestrator.kernels.obtain import check_recipe, obtain
from orchestrator.plan import Plan
from orchestrator.results import manifest, runs
from orchestrator.results.files import PRIVATE, open_regular
from orchestrator.results.journal import Journal
from orchestrator.results.lock import RunLock
from orchestrator.results.records import EndRecord, run_record
from orchestrator.terminal import command_line, visible
from orchestrator.timestamps import utc_now
from orchestrator.units import plural

log = logging.getLogger(__name__)

LOG_FILE = "orchestrate.log"


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


class RunResult(Struct, frozen=True):
    """A run that was executed to its end, and the exit code for it."""

    folder: runs.RunFolder
    exit_code: ExitCode


def run_experiment(request: RunRequest, interface: UserInterface) -> RunResult:
    """Run an experiment, or resume its unfinished run.

    Whatever ends it early is written into the journal and raised again; the same command then resumes the run. A new
    run that is refused before its first trial is removed.
    """
    plan = request.plan
    check_provider(plan, request.provider)
    build_kernels(plan, request.provider, interface)
    run = _open_folder(request)
    word = "resuming run" if run.resumed else "run"
    at_most = "at most " if plan.may_end_early() else ""
    cells, trials = plural(plan.cell_count, "cell"), plural(plan.trial_count, "trial")
    interface.say(f"{word} {run.folder.id}: {cells}, {at_most}{trials}")
    try:
        with contextlib.closing(run.lock), interface.progress() as observer:
            return RunResult(run.folder, _execute(request, run, observer))
    except BaseException as error:
        with contextlib.suppress(OrchestratorError, OSError):  # a second fault must not hide the first
            if not run.resumed and not runs.has_begun(run.folder):  # it did nothing yet
                runs.remove(run.folder, run.made)
            elif isinstance(error, OrchestratorError):
                _say_how_to_resume(error, request, run.folder)
                interface.ended_early(run.folder)
        raise


def _say_how_to_resume(error: OrchestratorError, request: RunRequest, folder: runs.RunFolder) -> None:
    """Add the command that resumes this run to the error that ended it: messages do not say to repeat the command.

    With ``--new`` its own command would begin another run.
    """
    words = list(request.command_line[1:])
    is_run = words[:1] == ["run"]
    left_out = {"--new", "--break-lock", "--resume"} if is_run else {"--new"}
    kept = [word for word in words if word not in left_out and not word.startswith("--resume=")]
    if is_run:
        if "--resume" in words and request.resume in kept:  # its value as a word, as earlier versions had it
            kept.remove(request.resume)
        kept.insert(kept.index("--") if "--" in kept else len(kept), f"--resume={folder.id}")
    if kept:
        error.add_note(f"resume with: {command_line(['orchestrate', *kept])}")


def build_kernels(plan: Plan, provider: Provider, interface: UserInterface) -> None:
    """Build the kernels with a recipe. Before a run begins, as it may take hours, and fail (``KernelError``)."""
    kernels = [kernel for kernel in plan.experiment.kernels if kernel.recipe is not None]
    for kernel in kernels[1:]:  # the build of the first begins with its patches
        with interface.building(f"kernel {kernel.name}") as say:
            check_recipe(provider.kernel(kernel), say)
    for kernel in kernels:
        with interface.building(f"kernel {kernel.name}") as say:
            obtain(provider.kernel(kernel), say)


class _OpenRun(Struct, frozen=True):
    """A run's folder, its lock, its scope (see :func:`scope_of`) and whether it existed before.

    :ivar made: the directories above it that were made for it.
    """

    folder: runs.RunFolder
    lock: RunLock
    scope: str
    resumed: bool
    made: tuple[Path, ...] = ()


def _open_folder(request: RunRequest) -> _OpenRun:
    """Find the run to resume, or make the folder of a new one; lock it."""
    made = runs.missing_folders(request.results)  # also refuses those that we may not look for
    scope = scope_of(request.plan, request.provider)
    found = run_to_resume(request, scope)
    if found is not None:
        return _OpenRun(found, RunLock(found.path), scope, resumed=True)
    runs.remove_abandoned(request.results, request.plan.experiment.name)
    created, lock = runs.create(request.results, request.plan.experiment.name)
    return _OpenRun(created, lock, scope, resumed=False, made=made)


def _execute(request: RunRequest, opened: _OpenRun, observer: Observer) -> ExitCode:
    """Execute what is left of a run; return ``OK`` if every trial is ok or was allowed not to be."""
    folder, plan, provider = opened.folder, request.plan, request.provider
    with (
        Journal(folder.path, opened.lock) as journal,
        log_to(folder.path / LOG_FILE),
        on_signals(observer.note) as stop,
    ):
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
        run.replay(
            journal.records(
                lambda fault: observer.note(f"{fault}; left out: if it is a trial, it runs again")
            )
        )
        try:
            if not opened.resumed or not manifest.exists(folder.path):
                _begin_manifest(request, folder)
            run.write(
                run_record(
                    plan.experiment, folder.id, plan.trial_count, opened.scope, opened.resumed, provider.hosts
                )
            )
            observer.run_begins(plan.trial_count, run.finished_count)
            with after(stop, _time_left(plan), MAX_HOURS):
                _execute_in_time(run)
        except BaseException as error:
            if not opened.resumed and _is_refusal(error, run):
                runs.remove(folder, opened.made)
                raise
            log.debug("the run ended early: %s", error, exc_info=not isinstance(error, OrchestratorError))
            # A second fault, such as a full disk, must not hide the first.
            with contextlib.suppress(OrchestratorError, OSError):
                _close(run, complete=False, reason=str(error) or type(error).__name__)
            if isinstance(error, Interrupted) and stop.is_limit:
                raise HostError(f"stopped by {stop.by}", *missing(run)) from None
            raise
        _close(run, complete=True)
        return ExitCode.OK if run.all_ok else ExitCode.TRIALS_NOT_OK


def _execute_in_time(run: Run) -> None:
    """Execute a run; one whose last trial ended when the limit was reached is complete.

    ``Interrupted`` also for what a host raises once the user wants the run to stop.
    """
    try:
        execute(run)
    except HostError as error:
        if not run.stop.is_users:
            raise
        raise Interrupted(f"stopped by {run.stop.by}; {error}") from error
    except Interrupted:
        if not run.stop.is_limit or any(run.has_pending(block) for block in run.plan.blocks()):
            raise


def _begin_manifest(request: RunRequest, folder: runs.RunFolder) -> None:
    plan = request.plan
    where, first = [predicate.text for predicate in plan.where], plan.first or 0
    begun = manifest.begin(
        plan.experiment, folder.id, request.overrides, request.command_line, where, first, request.defaults
    )
    manifest.save(folder.path, begun)


def _is_refusal(error: BaseException, run: Run) -> bool:
    """Whether an error ended a run that has sent no trial to a host and left no log of a failed boot."""
    if run.has_sent_trials or not isinstance(error, OrchestratorError | OSError):
        return False
    if isinstance(error, HostLost | Interrupted | KernelError):
        return False
    if isinstance(run.provider, RentedProvider):
        return False  # a machine may still be rented under the id of the run
    has_boot_log = not run.provider.creates_hosts and any(run.folder.glob("*.console.log"))
    return not has_boot_log and not any(str(path) in str(error) for path in run.folder.glob("*.log"))


def _time_left(plan: Plan) -> float | None:
    """Return the seconds after which no further trial begins, so that the last one ends within the limit."""
    limits = plan.experiment.limits
    if limits.max_hours is None:
        return None
    return max(0.0, limits.max_hours * 3600 - reserve(plan.experiment))


def _close(run: Run, complete: bool, reason: str = "") -> None:
    """Complete the manifest, then write the last record: after that record nothing of the run is left to do."""
    kernels = {name: kernel | _ingredients(kernel) for name, kernel in run.kernels.items()}
    manifest.finish(run.folder, complete, run.benchmark_hash, kernels, run.programs, run.runners)
    run.write(EndRecord(complete, reason, utc_now()))


def _ingredients(kernel: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a kernel that was built from a recipe is made of."""
    built = store.load(kernel["hash"]) if kernel.get("hash") else None
    return {"ingredients": built.ingredients} if built else {}


class _Visible(logging.Formatter):
    """Of what hosts say, nothing acts upon the terminal of whoever reads the log."""

    def format(self, record: logging.LogRecord) -> str:
        return visible(super().format(record))


class _LogFile(logging.FileHandler):
    """A log that cannot be written ends no run, and is not told for each line: the journal tells, if it must."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - the name is that of logging
        """Lose the line."""

    def close(self) -> None:
        """Close the file; lines that are not on disk yet may be lost."""
        with contextlib.suppress(OSError):
            super().close()


@contextmanager
def log_to(path: Path) -> Iterator[None]:
    """Write everything that is logged into a file of the run."""
    try:
        path.touch(PRIVATE)
        open_regular(path).close()
    except OSError as error:
        raise HostError(f"{path}: {error.strerror}") from None
    handler = _LogFile(path, encoding="utf-8")
    handler.setFormatter(_Visible("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    handler.setLevel(logging.DEBUG)
    root = logging.getLogger("orchestrator")
    root.addHandler(handler)
    try:
        yield
    finally:
        root.removeHandler(handler)
        handler.close()
