"""The events of a run, for whoever shows them: a terminal, a pipe, a test."""

from __future__ import annotations

from typing import Protocol

from orchestrator.plan.model import Block
from orchestrator.results.records import BlockRecord, TrialRecord


class Observer(Protocol):
    """Told of everything that happens in a run, in order."""

    def run_begins(self, trials: int, done: int) -> None:
        """The run has so many trials, of which so many were done before."""

    def block_begins(self, block: Block, trials: int) -> None:
        """A block with so many trials still to run is about to boot its host."""

    def host_ready(self, record: BlockRecord) -> None:
        """The host is up, tuned, and about to run its first trial."""

    def trial_ends(self, record: TrialRecord) -> None:
        """A trial ended; unless the record is final it will be repeated."""

    def note(self, text: str) -> None:
        """Something the user should know."""
