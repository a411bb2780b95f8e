"""Blocks on several machines of one provider at once: each machine takes the next block when it is done with one."""

from __future__ import annotations

import threading
from collections.abc import Iterable

from orchestrator.execution.block import BlockRun
from orchestrator.execution.run import Run
from orchestrator.execution.threads import in_threads
from orchestrator.plan.model import Block


def execute_side_by_side(run: Run, blocks: Iterable[Block], machines: int) -> None:
    """Run blocks that do not depend on each other. After an error no further block begins; the first one is raised."""
    queue = _Queue(blocks)
    in_threads(machines, _work, [(run, queue)] * machines)


class _Queue:
    """The blocks that have not begun."""

    def __init__(self, blocks: Iterable[Block]) -> None:
        self._blocks = iter(blocks)
        self._lock = threading.Lock()
        self._is_open = True

    def take(self) -> Block | None:
        """Return the next block; None: there is none."""
        with self._lock:
            return next(self._blocks, None) if self._is_open else None

    def close(self) -> None:
        """Give out no further block."""
        with self._lock:
            self._is_open = False


def _work(run: Run, queue: _Queue) -> None:
    try:
        with run.provider.machine(run.folder) as machine:
            try:
                while block := queue.take():
                    run.observer.block_begins(block, sum(1 for _ in run.pending(block)))
                    BlockRun(run, machine, block).execute()
            finally:
                run.let_go(machine)
    except BaseException:
        queue.close()
        raise
