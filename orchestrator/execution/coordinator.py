"""The controller's side of a run: block after block, on a machine that may die at any moment."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from orchestrator.execution.observer import Observer
from orchestrator.execution.stopping import Stop
from orchestrator.hosts.base import Provider
from orchestrator.plan import Plan
from orchestrator.plan.model import Block, Trial
from orchestrator.results.journal import Journal
from orchestrator.results.records import TrialRecord
from orchestrator.spec.model import Experiment


@dataclass(slots=True)
class Run:
    """All that the blocks of one run share.

    :ivar name: the run's id.
    :ivar folder: the run's folder; takes console logs.
    :ivar cache: our folder for built and fetched things on the controller.
    :ivar finished: ids of the trials that have a final record.
    :ivar crashes: how often a trial has killed its host, by trial id.
    :ivar kernels: what ran under each of the experiment's kernel names: release, version, build id, hash, patches.
    :ivar boots: block by boot id, of the boots that this command has seen.
    :ivar artifacts: SHA-256 (hex) of the programs that trials execute, by name.
    """

    name: str
    plan: Plan
    provider: Provider
    journal: Journal
    observer: Observer
    stop: Stop
    folder: Path
    cache: Path
    finished: set[str] = field(default_factory=set)
    crashes: Counter[str] = field(default_factory=Counter)
    artifacts: dict[str, str] = field(default_factory=dict)
    kernels: dict[str, dict[str, Any]] = field(default_factory=dict)
    boots: dict[str, int] = field(default_factory=dict)

    @property
    def experiment(self) -> Experiment:
        """What is run."""
        return self.plan.experiment

    def pending(self, block: Block) -> Iterator[Trial]:
        """Trials of a block without a final record, in the order of the plan."""
        return (trial for trial in self.plan.trials(block) if trial.id not in self.finished)

    def conclude(self, record: TrialRecord) -> None:
        """Write a trial's final record; the trial is finished from then on."""
        self.journal.append(record)
        self.finished.add(record.trial)
        self.observer.trial_ends(record)

    def retry(self, record: TrialRecord) -> None:
        """Write a record of an attempt; the trial will be tried again."""
        self.journal.append(record)
        self.observer.trial_ends(record)


def execute(run: Run) -> None:
    """Run all blocks of the plan. Raises ``Interrupted`` when the user wanted it to stop, and what a host raises."""
    from orchestrator.execution.block import BlockRun

    with run.provider.machine(run.folder) as machine:
        for block in run.plan.blocks():
            left = sum(1 for _ in run.pending(block))
            if left:
                run.observer.block_begins(block, left)
                BlockRun(run, machine, block).execute()
