"""Acts on the journal that a host's runner writes: each trial that ends there gets its record here."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Iterator
from functools import partial

from orchestrator.activities import Activity
from orchestrator.environments import clock_of
from orchestrator.errors import CommandFailed, HostError, HostLost, OrchestratorError
from orchestrator.execution import host_journal, outcome
from orchestrator.execution.host_losses import HostLosses
from orchestrator.execution.idleness import IdleWatch
from orchestrator.execution.outcome import TrialContext
from orchestrator.execution.run import Run
from orchestrator.execution.stopping import Stopping
from orchestrator.execution.visit import Visit
from orchestrator.experiment.factors import HOST, KERNEL
from orchestrator.plan.model import Block, Trial
from orchestrator.results.records import TrialRecord
from orchestrator.units import format_limit

log = logging.getLogger(__name__)

SILENCE_MARGIN_S = 20.0
"""Added to what a trial may take before a silent host is asked whether its runner is alive.

If it is, waiting goes on: the runner ends a trial at its time limit by the host's clock, which may be many times
slower than ours."""

MAX_SILENT_ROUNDS = 20
"""After this many silences in a row, each with a live runner, the trial is taken to be stuck in the host's kernel."""


class TrialFinder:
    """Finds trials by id in a stream of ids that follows the plan's order, without holding the plan in memory.

    Where it does not, it costs a pass over the plan, and no trial that comes later.

    :param trials: begins a pass.
    """

    def __init__(self, trials: Callable[[], Iterator[Trial]]) -> None:
        self._trials = trials
        self._left = trials()
        self._current: Trial | None = None

    def find(self, trial_id: str) -> Trial | None:
        """Return the trial; None if the plan has none with this id."""
        if self._current is None or self._current.id != trial_id:
            self._current = self._look_for(trial_id)
        if self._current is None:
            self._left = self._trials()
            self._current = self._look_for(trial_id)
        return self._current

    def _look_for(self, trial_id: str) -> Trial | None:
        return next((trial for trial in self._left if trial.id == trial_id), None)


class JournalFollower:
    """Reads the host's journal of one block after another on one machine.

    :param activity: tells of the running trial, and counts those that have ended; None: another does for all blocks.
    """

    def __init__(
        self,
        run: Run,
        machine: str,
        losses: HostLosses,
        stop: Stopping,
        activity: Activity | None = None,
    ) -> None:
        self._run = run
        self._machine = machine
        self._losses = losses
        self._stop = stop
        self._activity = activity
        self._stop_sent = 0
        self._noted_strays = False
        self._idle = IdleWatch(machine, run.observer.note)

    def collect(self, visit: Visit, block: Block, context: TrialContext) -> None:
        """Take over what an earlier runner left on the host."""
        finder = TrialFinder(partial(self._run.plan.trials, block))
        events = map(
            host_journal.Reader(visit.journal, self._run.plan.trials_in(block)).read, visit.journal_lines()
        )
        # How that runner ended does not matter any more: what it could not restore is restored, or named, next. Nor
        # does for whom it waited.
        passed = (host_journal.End, host_journal.Waiting)
        trials = (event for event in events if not isinstance(event, passed))
        self.handle(trials, finder, context)

    def follow(self, visit: Visit, block: Block, context: TrialContext) -> bool:
        """Follow the host's journal to its end; return whether the runner wrote that end."""
        finder = TrialFinder(partial(self._run.plan.trials, block))
        reader = host_journal.Reader(visit.journal, self._run.plan.trials_in(block))
        self._idle.begin(context.environment)
        last_line, silent_rounds = time.monotonic(), 0
        for lines in visit.follow():
            self._pass_on_stop(visit)
            if lines is not None:
                last_line, silent_rounds = time.monotonic(), 0
                if self.handle(map(reader.read, lines), finder, context):
                    return True
                self._idle.check()
            elif time.monotonic() - last_line > self._silence_limit:
                if not _runner_is_alive(visit):
                    return False
                last_line, silent_rounds = time.monotonic(), silent_rounds + 1
                if silent_rounds == MAX_SILENT_ROUNDS:
                    raise HostError(f"{visit.host.name}: {self._stuck()}")
        if not visit.host.executes:
            self._run.assume_finished(block)
        return not visit.host.executes

    def _pass_on_stop(self, visit: Visit) -> None:
        """Ask the runner to stop, once for each level of the user's request."""
        if self._stop_sent < self._stop.level:
            self._stop_sent = self._stop.level
            visit.stop(now=self._stop_sent > 1)

    def handle(
        self, events: Iterable[host_journal.Event | None], finder: TrialFinder, context: TrialContext
    ) -> bool:
        """Act on lines of the host's journal that came together; return whether the last one is among them.

        The records of all of them are written at once, also if one of the lines is an error.
        """
        ended: dict[str, TrialRecord] = {}
        is_last = False
        try:
            for event in events:
                if isinstance(event, host_journal.Start):
                    self._losses.running = finder.find(event.trial)
                    self._tell(self._losses.running, context)
                elif isinstance(event, host_journal.Waiting):
                    self._idle.waiting(event)
                    self._tell(self._losses.running, context, event.limit)
                elif isinstance(event, host_journal.TrialEnd):
                    self._losses.running = None
                    self._idle.ended(event)
                    trial = finder.find(event.trial)
                    if trial is not None and trial.id not in ended and not self._run.is_finished(trial.id):
                        record = self._record_of(trial, context, event)
                        if record is not None:
                            self._losses.end()
                            ended[trial.id] = record
                            self._note_strays(record)
                elif isinstance(event, host_journal.End):
                    is_last = True
                    if event.reason == "failed":
                        raise HostError(f"{self._machine}: the runner failed: {event.detail}")
        finally:
            if ended:
                if self._activity is not None:
                    self._activity.done += sum(record.final for record in ended.values())
                self._run.record(*ended.values())
        return is_last

    def _tell(self, trial: Trial | None, context: TrialContext, settle: float = 0.0) -> None:
        """Tell that a trial begins; its limit is one of the host's clock, which may be slower than ours.

        :param settle: how long it waits for idle CPUs first, if it does.
        """
        if trial is None or self._activity is None:
            return
        swept = trial.cell.levels.items()
        levels = ", ".join(f"{name}={level.text}" for name, level in swept if name not in (HOST, KERNEL))
        limit = settle + self._run.experiment.limits.trial
        is_ours = clock_of(context.environment) == "wall"
        bound = "" if is_ours else f" of wall time (limit: {format_limit(limit, context.environment)})"
        first = "waiting for idle CPUs, then " if settle else ""
        self._activity.change(f"{first}trial {trial.id}{f' [{levels}]' if levels else ''}", limit, bound)

    def _record_of(
        self, trial: Trial, context: TrialContext, end: host_journal.TrialEnd
    ) -> TrialRecord | None:
        """Return the record of a trial; None for an attempt that is already in our journal."""
        disturbances = self._run.disturbances(trial.id)
        if (end.boot, end.start) in disturbances:
            return None
        try:
            return outcome.record(self._run.experiment, trial, context, end, len(disturbances))
        except OrchestratorError:
            raise
        except Exception as bug:  # what one trial has printed must not end the run, now and at each resume
            log.exception("trial %s", trial.id)
            reason = f"internal error: {type(bug).__name__}: {bug}"
            self._run.observer.note(f"trial {trial.id}: {reason}; please report it with the log of the run")
            return outcome.unreadable(trial, context, end, reason)

    def _note_strays(self, record: TrialRecord) -> None:
        """Tell once of processes that a trial left behind: its figures may be of less than was meant to run."""
        if record.strays and not self._noted_strays:
            self._noted_strays = True
            self._run.observer.note(
                f"{record.host}: trial {record.trial} left processes behind, which were ended; of such trials only the "
                "first is named"
            )

    def _stuck(self) -> str:
        running = self._losses.running
        return (
            f"cannot kill trial {running.id if running else '(unknown)'}: it may be blocked in the kernel (state D); "
            "check dmesg, and reboot the host"
        )

    @property
    def _silence_limit(self) -> float:
        limits = self._run.experiment.limits
        return limits.trial + limits.settle + SILENCE_MARGIN_S


def _runner_is_alive(visit: Visit) -> bool:
    """Ask a silent host; one that does not answer is lost."""
    try:
        return visit.runner_is_running()
    except CommandFailed as error:
        raise HostLost(*error.lines) from error
