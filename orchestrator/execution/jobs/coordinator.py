"""Runs the blocks of a plan as jobs: prepares, submits, follows, and submits unfinished blocks again."""

from __future__ import annotations

import contextlib
import logging
import time
from collections.abc import Callable, Container, Sequence
from typing import TypeVar

from orchestrator.activities import doing
from orchestrator.errors import (
    CommandFailed,
    HostError,
    HostKeyRefused,
    HostLost,
    Interrupted,
    OrchestratorError,
)
from orchestrator.execution.host_losses import HostLosses
from orchestrator.execution.jobs.attempt import Attempt, BlockState
from orchestrator.execution.jobs.nodes import JobNodes
from orchestrator.execution.jobs.preparation import prepare
from orchestrator.execution.jobs.reading import distribute, read_all
from orchestrator.execution.jobs.submission import Submitter
from orchestrator.execution.outcome import TrialContext
from orchestrator.execution.run import Run
from orchestrator.hosts import facts as host_facts
from orchestrator.hosts.batch import BatchSession, BatchSystem, JobState, Task
from orchestrator.units import plural

log = logging.getLogger(__name__)

T = TypeVar("T")

FORGOTTEN = JobState("retry", "the scheduler has no record of it")
TICK_S = 0.2


def execute_as_jobs(run: Run, system: BatchSystem) -> None:
    """Run all blocks of the plan as jobs.

    Raises ``Interrupted`` when the user leaves, and ``HostLost`` if the login host is lost; the jobs go on. After
    any other error no job is left.
    """
    with system.session(run.name) as session:
        submitter = Submitter(run, system, session)
        try:
            prepared = prepare(run, system, session)
            submitter.take_over(prepared)
            if not session.login.executes:  # a dry run
                submitter.submit_all()
                return
            facts = host_facts.parse(prepared.facts)
            nodes = JobNodes(run, prepared.node, facts, session.node_key, system)
            JobsRun(run, system, session, submitter, nodes).execute()
        except Interrupted as error:
            if not submitter.jobs:
                raise
            raise Interrupted(
                f"stopped by {run.stop.by}; the jobs keep running; "
                f"follow them by resuming the run, or cancel them with: {session.cancel_command(submitter.jobs)}"
            ) from error
        except HostLost as error:
            if not submitter.jobs:
                raise
            raise HostLost(f"{error}; the jobs keep running") from error
        except OrchestratorError:
            with contextlib.suppress(HostError):
                session.cancel()
                if not submitter.jobs:
                    session.remove()
            raise
        for node in session.storage.clean():
            run.observer.note(f"{node}: cannot remove {session.storage.folder} there")
        session.remove()


class JobsRun:
    """The blocks of a run and their jobs."""

    def __init__(
        self, run: Run, system: BatchSystem, session: BatchSession, submitter: Submitter, nodes: JobNodes
    ) -> None:
        self._run = run
        self._system = system
        self._session = session
        self._submitter = submitter
        self._nodes = nodes
        self._blocks: dict[str, BlockState] = {}
        self._current: dict[str, Attempt] = {}
        self._obstacle = ""
        self._reasons: set[str] = set()

    def execute(self) -> None:
        """Follow the blocks until none has a trial left. ``HostError`` names the blocks that were given up."""
        for block in self._run.plan.blocks():
            if not self._system.guest and not self._system.features.get(block.kernel):
                self._nodes.check_running_kernel(block)
            if self._run.has_pending(block):
                self._blocks[block.name] = BlockState(block, HostLosses(self._run, f"block {block.name}"))
        finished = self._run.finished_count
        with doing("", "reading what jobs have written") as activity:
            activity.total = sum(1 for one in self._blocks.values() for _ in self._run.pending(one.block))
            self._take_over()
            while True:
                activity.rename("submitting jobs")
                self._submit()
                if not self._current:
                    break
                self._look()
                activity.done = self._run.finished_count - finished
                activity.rename(self._summary())
                self._wait()
        given_up = [state.gave_up for state in self._blocks.values() if state.gave_up]
        if given_up:
            raise HostError(*dict.fromkeys(given_up), "run incomplete")

    def _summary(self) -> str:
        """Return how many jobs run and wait, and why."""
        running = [attempt.state for attempt in self._current.values() if _is_running(attempt)]
        waiting = len(self._current) - len(running)
        nodes = ", ".join(sorted({state.node for state in running if state and state.node}))
        on = f" on {nodes}" if nodes else ""
        why = f" ({'; '.join(sorted(self._reasons))})" if self._reasons else ""
        return f"{plural(len(running), 'job')} running{on}, {waiting} waiting{why}"

    def _take_over(self) -> None:
        """Read what the jobs of earlier controllers have written, and follow the last job of each block."""
        earlier: list[Attempt] = []
        for task, name in self._submitter.submitted:
            if name in self._blocks:
                if name in self._current:
                    earlier.append(self._current[name])
                self._current[name] = self._attempt(task, self._blocks[name])
        distribute(earlier, read_all(self._session, earlier))

    def _attempt(self, task: Task, state: BlockState) -> Attempt:
        def announce(place: str, settings: str) -> TrialContext | None:
            self._run.observer.block_begins(state.block, sum(1 for _ in self._run.pending(state.block)))
            return self._nodes.begin(state.block, place, settings)

        return Attempt(self._run, task, state, announce)

    def _submit(self) -> None:
        """Submit the blocks that are not in the queue; with a stop rule, as few boots as it needs at a time."""
        todo = [
            state
            for name, state in self._blocks.items()
            if name not in self._current and not state.gave_up and self._run.has_pending(state.block)
        ]
        todo = self._next_boots(todo)
        if not todo:
            return
        try:
            for task, state in self._submitter.submit(todo):
                self._current[state.block.name] = self._attempt(task, state)
        except (HostLost, CommandFailed):
            raise  # the jobs may be in the queue: the next command finds out
        except HostError as error:
            if not self._current:
                raise
            log.info("%s; trying again once jobs have ended", error)

    def _next_boots(self, todo: list[BlockState]) -> list[BlockState]:
        certain = [state for state in todo if not self._run.plan.may_end_early(state.block)]
        if certain or self._current or not todo:
            return certain
        first = min(state.block.boot for state in todo)
        return [state for state in todo if state.block.boot == first]

    def _wait(self) -> None:
        """Wait for the next look at the queue; raise ``Interrupted`` when the user wants to leave."""
        until = time.monotonic() + self._system.poll
        while self._current and time.monotonic() < until and not self._run.stop.level:
            time.sleep(TICK_S)
        if self._run.stop.level:
            raise Interrupted(f"stopped by {self._run.stop.by}")

    # --- one look --------------------------------------------------------------------------------------------

    def _look(self) -> None:
        """Ask the queue, read the journals, and act on what has ended."""
        attempts = list(self._current.values())
        active = self._retry(lambda: self._session.active())
        for attempt in attempts:
            attempt.see(active.get(attempt.task))
        started = [attempt for attempt in attempts if attempt.may_have_started]
        collecting = self._retry(lambda: self._collect(started))
        text = self._retry(lambda: read_all(self._session, started))
        for attempt, error in distribute(started, text):
            self._give_up(attempt, str(error))
        self._settle(
            [attempt for attempt in started if self._current.get(attempt.block.block.name) is attempt],
            collecting,
        )
        self._check_obstacle()

    def _collect(self, attempts: Sequence[Attempt]) -> set[Task]:
        """Bring what jobs have written to the login host; return the tasks whose nodes have not been asked yet."""
        running = {a.task: a.state for a in attempts if a.is_active and a.state}
        ended = {a.task: a.final_state or a.state or FORGOTTEN for a in attempts if not a.is_active}
        collecting = self._session.storage.collect(running, ended)
        for attempt in attempts:
            if attempt.task in collecting:
                if not attempt.is_collected_late:
                    self._run.observer.note(
                        f"{self._name(attempt)}: has ended; fetching its journal from the node"
                    )
                attempt.collect()
        return collecting

    def _retry(self, call: Callable[[], T]) -> T:
        """Call a function that asks the login host; try again while it fails, for the time of a boot."""
        deadline = time.monotonic() + self._run.experiment.limits.boot
        announced = False
        while True:
            try:
                return call()
            except HostError as error:
                if time.monotonic() > deadline:
                    raise
                if not announced:
                    self._run.observer.note(f"{error}; trying again")
                    announced = True
                self._wait()
                if isinstance(error, HostLost):
                    try:
                        self._session.reconnect()
                    except HostKeyRefused:
                        raise
                    except HostError as refusal:
                        log.info("%s", refusal)

    def _settle(self, attempts: Sequence[Attempt], collecting: Container[Task]) -> None:
        """Decide about attempts that have ended, or whose job is not in the queue.

        :param collecting: tasks that may have written more than was read.
        """
        left = []
        for attempt in attempts:
            if not attempt.is_over:
                continue
            if attempt.ended and not self._run.has_pending(attempt.block.block):
                del self._current[attempt.block.block.name]
            else:
                left.append(attempt)
        unknown = [attempt.task for attempt in left if attempt.final_state is None]
        final_states = self._retry(lambda: self._session.final_states(unknown)) if unknown else {}
        for attempt in left:
            final_state = final_states.get(attempt.task)
            if final_state is not None and final_state.outcome not in ("waiting", "running"):
                attempt.final_state = final_state
            if attempt.task in collecting:
                continue
            if attempt.final_state is not None and attempt.final_state.outcome == "stop":
                if attempt.state is None:  # it ended before this command, which was given to run what is left
                    del self._current[attempt.block.block.name]
                else:
                    self._give_up(attempt, f"{self._name(attempt)}: {attempt.final_state.words}")
            elif attempt.ended or attempt.silent_for > self._system.lost_after:
                self._submit_again(attempt)

    def _submit_again(self, attempt: Attempt) -> None:
        """Let another job run what this one has left; ``HostLosses`` sees to it that this ends."""
        state, final_state = attempt.block, attempt.final_state or FORGOTTEN
        del self._current[state.block.name]
        if attempt.is_complete:
            return  # disturbed trials
        reason = f"{self._name(attempt)}: {attempt.refused or final_state.words}"
        if not self._run.has_pending(state.block):
            return
        self._run.observer.note(f"{reason}; another job runs what is left")
        try:
            state.losses.count(reason)
        except HostError as error:
            state.gave_up = str(error)
        if attempt.crashed or final_state.outcome == "blame":
            self._blame(attempt, reason)

    def _blame(self, attempt: Attempt, reason: str) -> None:
        """Hold the running trial responsible, or the next one where the last lines of the journal may be lost."""
        losses, is_whole = attempt.block.losses, self._session.journal_survives_node
        if is_whole or attempt.context is not None:  # else it has come to no trial
            losses.blame(attempt.block.block, attempt.context, reason, is_whole or losses.is_certain)

    def _give_up(self, attempt: Attempt, reason: str) -> None:
        attempt.block.gave_up = reason
        self._current.pop(attempt.block.block.name, None)
        self._run.observer.note(reason)

    def _name(self, attempt: Attempt) -> str:
        seen = attempt.final_state or attempt.state
        job = f"job {seen.job}" if seen and seen.job else "its job"
        on = f" on {seen.node}" if seen and seen.node else ""
        return f"block {attempt.block.block.name}, {job}{on}"

    def _check_obstacle(self) -> None:
        """Raise ``HostError`` if no job runs and one will never start: twice in a row, for reasons change."""
        states = [attempt.state for attempt in self._current.values() if attempt.state and attempt.is_active]
        running = any(state.outcome == "running" for state in states)
        reasons = {state.reason for state in states if state.reason and not running}
        for reason in sorted(reasons - self._reasons):
            self._run.observer.note(f"waiting: {reason}")
        self._reasons = reasons
        obstacle = "" if running else next((state.obstacle for state in states if state.obstacle), "")
        if obstacle and obstacle == self._obstacle:
            jobs = plural(len(self._current), "job")
            raise HostError(f"{self._session.login.name}: {jobs} will never start: {obstacle}")
        self._obstacle = obstacle


def _is_running(attempt: Attempt) -> bool:
    return attempt.is_active and attempt.state is not None and attempt.state.outcome == "running"
