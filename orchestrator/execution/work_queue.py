"""The work queue of a fleet: each host takes its next block, or shard of one, when it is free.

Where hosts share the cells, shards are large at first and small at the end (guided self-scheduling: C. Polychronopoulos
and D. Kuck, IEEE Transactions on Computers C-36, 1987): few visits, and all hosts end at about the same time.
"""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping

from orchestrator.plan import Plan
from orchestrator.plan.model import Block, Shard

SHARDS_PER_HOST = 2
"""A shard is what would be left for each host, divided by this."""

POLL_S = 0.5


class WorkQueue(ABC):
    """The blocks of a plan; called from the threads of all hosts.

    :param has_pending: whether a block, or shard of one, has a trial to run.
    """

    def __init__(self, has_pending: Callable[[Block], bool]) -> None:
        self._has_pending = has_pending
        self._changed = threading.Condition()
        self._assigned: dict[str, Block] = {}

    def take(self, host: str, is_stopped: Callable[[], bool]) -> Block | None:
        """Return the next work of a host; None if there is none left. Its previous work counts as done.

        Waits while other hosts have work that they may give back.
        """
        with self._changed:
            self._finish(host)
            while not is_stopped():
                block = self._next(host, None)
                if block is not None:
                    self._assigned[host] = block
                    return block
                if not self._may_get_more(host):
                    return None
                self._changed.wait(POLL_S)
        return None

    def next_shard(self, host: str, block: Block) -> Block | None:
        """Return the next shard of the same block without waiting, so that the host stays as it is; None: none now."""
        with self._changed:
            self._finish(host)
            shard = self._next(host, block)
            if shard is not None:
                self._assigned[host] = shard
            return shard

    def requeue(self, host: str) -> None:
        """Return the unfinished work of a host to the queue, for the other hosts."""
        with self._changed:
            assigned = self._assigned.pop(host, None)
            self._return(host, [] if assigned is None else [assigned])
            self._changed.notify_all()

    def _finish(self, host: str) -> None:
        self._assigned.pop(host, None)
        self._changed.notify_all()

    @abstractmethod
    def _next(self, host: str, of: Block | None) -> Block | None:
        """Remove and return work for a host, a shard of the block ``of`` if one is given."""

    @abstractmethod
    def _return(self, host: str, blocks: list[Block]) -> None:
        """Put back these blocks, and what is reserved for a host that is gone."""

    @abstractmethod
    def _may_get_more(self, host: str) -> bool:
        """Whether there may be work for this host later."""


class ReplicaQueue(WorkQueue):
    """Each host has its own blocks, which no other host runs."""

    def __init__(self, plan: Plan, has_pending: Callable[[Block], bool]) -> None:
        super().__init__(has_pending)
        self._blocks = list(plan.blocks())

    def _next(self, host: str, of: Block | None) -> Block | None:
        for block in [block for block in self._blocks if block.host == host] if of is None else ():
            self._blocks.remove(block)
            if self._has_pending(block):
                return block
        return None

    def _return(self, host: str, blocks: list[Block]) -> None:
        """They stay undone."""

    def _may_get_more(self, host: str) -> bool:
        return False


class ShardQueue(WorkQueue):
    """All hosts share the cells of each block.

    :param hosts: number of hosts.
    :param started: shards that hosts have started under an earlier controller, by host, the running one first.
    """

    def __init__(
        self,
        plan: Plan,
        has_pending: Callable[[Block], bool],
        hosts: int,
        started: Mapping[str, Iterable[Block]],
    ) -> None:
        super().__init__(has_pending)
        self._hosts = hosts
        self._started = {host: list(blocks) for host, blocks in started.items()}
        self._whole = {block.index: block for block in plan.blocks()}
        self._left = {index: [(0, plan.combination_count(block))] for index, block in self._whole.items()}
        for block in (block for blocks in self._started.values() for block in blocks):
            self._reserve(block)

    def _next(self, host: str, of: Block | None) -> Block | None:
        started = self._started.get(host, []) if of is None else []
        if started:
            return started.pop(0)
        for index in self._whole if of is None else (of.index,):
            while self._left[index]:
                block = self._cut(index)
                if self._has_pending(block):
                    return block
        return None

    def _cut(self, index: int) -> Block:
        """Take a shard off what is left of a block."""
        ranges = self._left[index]
        left = sum(end - first for first, end in ranges)
        size = max(1, left // (SHARDS_PER_HOST * self._hosts))
        first, end = ranges.pop(0)
        if end - first > size:
            ranges.insert(0, (first + size, end))
            end = first + size
        return self._shard(index, first, end)

    def _shard(self, index: int, first: int, end: int) -> Block:
        whole = self._whole[index]
        return Block(whole.index, whole.kernel, whole.boot, whole.host, Shard(first, end))

    def _reserve(self, block: Block) -> None:
        """Keep what a host has started for that host."""
        assert block.shard is not None
        ranges = []
        for first, end in self._left[block.index]:
            ranges += [(first, min(end, block.shard.first)), (max(first, block.shard.end), end)]
        self._left[block.index] = [(first, end) for first, end in ranges if first < end]

    def _return(self, host: str, blocks: list[Block]) -> None:
        for block in (*blocks, *self._started.pop(host, ())):
            assert block.shard is not None
            self._left[block.index].insert(0, (block.shard.first, block.shard.end))

    def _may_get_more(self, host: str) -> bool:
        return bool(self._assigned) or any(self._started.values())
