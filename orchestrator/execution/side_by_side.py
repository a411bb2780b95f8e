"""Blocks on several machines of one provider at once: each machine takes the next block when it is done with one."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterable

from orchestrator.errors import Interrupted, OrchestratorError
from orchestrator.execution.block import BlockRun
from orchestrator.execution.run import Run
from orchestrator.plan.model import Block
from orchestrator.threads import in_threads


def execute_side_by_side(run: Run, blocks: Iterable[Block], machines: int) -> None:
    """Run blocks that do not depend on each other.

    After an error no further block begins; the user is told at once. When the other machines are done with theirs, the
    error that came first is raised, one of a machine rather than ``Interrupted``.
    """
    queue = _Queue(run, blocks)
    in_threads(machines, _work, [(run, queue)] * machines)
    if queue.errors:
        raise min(queue.errors, key=lambda error: isinstance(error, Interrupted))


class _Queue:
    """The blocks that have not begun.

    :ivar errors: what machines have raised, in order of time.
    """

    def __init__(self, run: Run, blocks: Iterable[Block]) -> None:
        self._run = run
        self._blocks = iter(blocks)
        self._lock = threading.Lock()
        self.errors: list[OrchestratorError] = []

    def take(self) -> Block | None:
        """Return the next block; None: there is none, or a machine has failed."""
        with self._lock:
            return None if self.errors else next(self._blocks, None)

    def fail(self, error: OrchestratorError) -> None:
        """Give out no further block."""
        with self._lock:
            self.errors.append(error)
        if not isinstance(error, Interrupted):
            self._run.observer.note(f"{error}; no further block begins")


def _work(run: Run, queue: _Queue) -> None:
    """The thread of one machine."""
    try:
        with run.provider.machine(run.folder) as machine:
            try:
                while block := queue.take():
                    run.observer.block_begins(block, sum(1 for _ in run.pending(block)))
                    BlockRun(run, machine, block).execute()
            finally:
                run.let_go(machine)
    except OrchestratorError as error:
        queue.fail(error)
    except BaseException:
        run.stop.request(signal.SIGTERM)  # a defect of this program: let the other machines end in order
        raise
