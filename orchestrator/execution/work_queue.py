"""Which host of a fleet runs what: each takes its next piece of work when it is free.

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

LOOK_UP_S = 0.5


class WorkQueue(ABC):
    """Deals out the blocks of a plan; called from the threads of all hosts.

    :param has_left: whether a block, or shard of one, has a trial that is still to be run.
    """

    def __init__(self, has_left: Callable[[Block], bool]) -> None:
        self._has_left = has_left
        self._changed = threading.Condition()
        self._held: dict[str, Block] = {}

    def take(self, host: str, stopped: Callable[[], bool]) -> Block | None:
        """Return the next work of a host; None where there is none left. What it had before is done.

        Waits as long as others hold work that may yet come back.
        """
        with self._changed:
            self._finish(host)
            while not stopped():
                block = self._next(host, None)
                if block is not None:
                    self._held[host] = block
                    return block
                if not self._may_come(host):
                    return None
                self._changed.wait(LOOK_UP_S)
        return None

    def more(self, host: str, of: Block) -> Block | None:
        """Return the next shard of the same block without waiting, so that the host stays as it is; None: none now."""
        with self._changed:
            self._finish(host)
            block = self._next(host, of)
            if block is not None:
                self._held[host] = block
            return block

    def give_back(self, host: str) -> None:
        """What a host has not done, and will not do, can be had by others."""
        with self._changed:
            held = self._held.pop(host, None)
            self._return(host, [] if held is None else [held])
            self._changed.notify_all()

    def _finish(self, host: str) -> None:
        self._held.pop(host, None)
        self._changed.notify_all()

    @abstractmethod
    def _next(self, host: str, of: Block | None) -> Block | None:
        """Remove and return work for a host, ``of`` this block if one is given."""

    @abstractmethod
    def _return(self, host: str, blocks: list[Block]) -> None:
        """Put back these blocks, and what is kept for a host that is no more."""

    @abstractmethod
    def _may_come(self, host: str) -> bool:
        """Whether there may be work for this host later."""


class ReplicaQueue(WorkQueue):
    """Each host has its own blocks, which nobody else runs."""

    def __init__(self, plan: Plan, has_left: Callable[[Block], bool]) -> None:
        super().__init__(has_left)
        self._blocks = list(plan.blocks())

    def _next(self, host: str, of: Block | None) -> Block | None:
        for block in [block for block in self._blocks if block.host == host] if of is None else ():
            self._blocks.remove(block)
            if self._has_left(block):
                return block
        return None

    def _return(self, host: str, blocks: list[Block]) -> None:
        """They stay undone."""

    def _may_come(self, host: str) -> bool:
        return False


class ShardQueue(WorkQueue):
    """All hosts share the cells of each block.

    :param hosts: how many there are.
    :param begun: shards that hosts have begun under an earlier controller, by host, the one at work first.
    """

    def __init__(
        self, plan: Plan, has_left: Callable[[Block], bool], hosts: int, begun: Mapping[str, Iterable[Block]]
    ) -> None:
        super().__init__(has_left)
        self._hosts = hosts
        self._begun = {host: list(blocks) for host, blocks in begun.items()}
        self._whole = {block.index: block for block in plan.blocks()}
        self._left = {index: [(0, plan.combination_count(block))] for index, block in self._whole.items()}
        for block in (block for blocks in self._begun.values() for block in blocks):
            self._take_out(block)

    def _next(self, host: str, of: Block | None) -> Block | None:
        begun = self._begun.get(host, []) if of is None else []
        if begun:
            return begun.pop(0)
        for index in self._whole if of is None else (of.index,):
            while self._left[index]:
                block = self._cut(index)
                if self._has_left(block):
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

    def _take_out(self, block: Block) -> None:
        """What a host has begun is not dealt out as well."""
        assert block.shard is not None
        ranges = []
        for first, end in self._left[block.index]:
            ranges += [(first, min(end, block.shard.first)), (max(first, block.shard.end), end)]
        self._left[block.index] = [(first, end) for first, end in ranges if first < end]

    def _return(self, host: str, blocks: list[Block]) -> None:
        for block in (*blocks, *self._begun.pop(host, ())):
            assert block.shard is not None
            self._left[block.index].insert(0, (block.shard.first, block.shard.end))

    def _may_come(self, host: str) -> bool:
        return bool(self._held) or any(self._begun.values())
