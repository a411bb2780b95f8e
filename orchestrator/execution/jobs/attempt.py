"""One block in the queue: what its job has written so far, and what that means."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from functools import partial

from msgspec import Struct

from orchestrator.execution import host_journal
from orchestrator.execution.host_losses import HostLosses
from orchestrator.execution.journal_follower import JournalFollower, TrialFinder
from orchestrator.execution.outcome import TrialContext
from orchestrator.execution.run import Run
from orchestrator.hosts.batch import JobState, Task
from orchestrator.plan.model import Block


class BlockState(Struct):
    """A block over all its jobs.

    :ivar losses: how often its jobs were lost, and the trials suspected of it.
    :ivar gave_up: why it is not submitted again; empty if it may be.
    """

    block: Block
    losses: HostLosses
    gave_up: str = ""


class Attempt:
    """One job of a block.

    :param announce: called with what the job wrote into ``place`` and ``tuned``; returns the context of its trials,
        or None where they do not count.
    :ivar lines_read: complete lines of the journal that were read.
    :ivar state: what the scheduler said last; None: the job has not been in the queue since this controller looks.
    :ivar is_active: whether it was in the queue at the last look.
    :ivar final_state: what became of the job, once it has left the queue and as far as the scheduler knows.
    :ivar ended: the journal has its last line, or the job has refused to run the block.
    :ivar is_complete: the runner has come to the end of the block.
    :ivar refused: why it has; empty if it has not.
    :ivar crashed: whether the kernel that the job booted has ended before the block; ``refused`` says how.
    :ivar context: where its trials run; None: not known yet, or another kernel runs there.
    :ivar is_collected_late: whether its journal was fetched from its node after the end of the job.
    :ivar last_sign: when it last was in the queue or wrote a line, by the monotonic clock.
    """

    def __init__(
        self, run: Run, task: Task, block: BlockState, announce: Callable[[str, str], TrialContext | None]
    ) -> None:
        self.task = task
        self.block = block
        self.lines_read = 0
        self.state: JobState | None = None
        self.is_active = False
        self.final_state: JobState | None = None
        self.ended = False
        self.is_complete = False
        self.refused = ""
        self.crashed = False
        self.context: TrialContext | None = None
        self.is_collected_late = False
        self.last_sign = time.monotonic()
        self._announce = announce
        self._counts = True
        self._settings = ""
        self._follower = JournalFollower(run, f"block {block.block.name}", block.losses, run.stop)
        self._finder = TrialFinder(partial(run.plan.trials, block.block))
        self._reader = host_journal.Reader(f"{task.path}/journal.jsonl", run.plan.trials_in(block.block))

    @property
    def may_have_started(self) -> bool:
        """Whether its job may have written something."""
        return not self.is_active or self.state is None or self.state.outcome != "waiting"

    @property
    def is_over(self) -> bool:
        """Whether its job has ended: it is not in the queue, or ended and its node is being cleaned up."""
        is_ending = self.state is not None and self.state.is_ending
        return not self.is_active or (self.ended and is_ending)

    @property
    def silent_for(self) -> float:
        """Seconds since it was in the queue or wrote a line."""
        return time.monotonic() - self.last_sign

    def see(self, state: JobState | None) -> None:
        """Take over what the queue says; None: the job is not in it."""
        self.is_active = state is not None
        if state is not None:
            self.state = state
            self.last_sign = time.monotonic()

    def collect(self) -> None:
        """Take over that its journal is being fetched from its node."""
        self.is_collected_late = True
        self.last_sign = time.monotonic()

    def take(self, kind: str, text: str) -> None:
        """Take over a file that the job has written: ``tuned``, ``place``, ``journal``, ``refused`` or ``crashed``."""
        if kind == "tuned":
            self._settings = text
        elif kind == "place":
            if self.context is None and self._counts:
                self.context = self._announce(text, self._settings)
                self._counts = self.context is not None
        elif kind == "journal":
            self._take_journal(text)
        elif kind in ("refused", "crashed"):
            self.refused, self.ended, self.crashed = text.strip(), True, kind == "crashed"

    def _take_journal(self, text: str) -> None:
        """Act on new lines of the journal; the last one may be incomplete, then it is read again."""
        if self.context is None and self._counts:
            return  # the next call has the place as well
        lines = text.split("\n")[:-1]
        if lines:
            self.last_sign = time.monotonic()
        events = self._events(lines)
        if self.context is not None:
            self._follower.handle(events, self._finder, self.context)
        for _ in events:
            pass

    def _events(self, lines: Iterable[str]) -> Iterator[host_journal.Event | None]:
        for line in lines:
            self.lines_read += 1
            event = self._reader.read(line)
            if isinstance(event, host_journal.End):
                self.ended, self.is_complete = True, event.reason == "complete"
            yield event
