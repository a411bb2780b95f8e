"""The controller's side of a run: block after block, on a machine that may die at any moment."""

from __future__ import annotations

import contextlib
import threading
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from orchestrator.errors import HostError
from orchestrator.execution.observer import Observer
from orchestrator.execution.stop_rule import StopRule
from orchestrator.execution.stopping import Stop
from orchestrator.experiment.model import Experiment, Status
from orchestrator.hosts.base import Machine, Provider
from orchestrator.hosts.remote.folder import HostFolder
from orchestrator.hosts.remote.lock import Holder, release, take
from orchestrator.plan import Plan
from orchestrator.plan.model import Block, Trial
from orchestrator.results.journal import Journal
from orchestrator.results.records import BlockRecord, TrialRecord


@dataclass(slots=True)
class Run:
    """All that the blocks of one run share; those of a fleet's hosts run at once.

    :ivar name: the run's id.
    :ivar folder: the run's folder; takes console logs.
    :ivar cache: our folder for built and fetched things on the controller.
    :ivar finished: ids of the trials that have a final record.
    :ivar crashes: how often a trial has killed its host, by trial id.
    :ivar disturbed: by trial id the attempts that were disturbed, each by boot id and start.
    :ivar kernels: what ran under each of the experiment's kernel names: release, version, build id, hash, patches.
    :ivar boots: block by boot id, of the boots that this command has seen.
    :ivar artifacts: SHA-256 (hex) of the programs that trials execute, by name.
    :ivar programs: what hosts tell of the programs that trials begin with: see :meth:`Visit.find_programs`.
    :ivar ended_on: how many trials have ended on each host under this controller.
    :ivar resumed: whether an earlier controller began the run.
    :ivar break_locks: take hosts that others hold.
    :ivar rule: says which trials are not needed; None: all are.
    :ivar patience: seconds for a lost host to come back; None: as long as a boot may take.
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
    disturbed: defaultdict[str, set[tuple[str, str]]] = field(default_factory=lambda: defaultdict(set))
    artifacts: dict[str, str] = field(default_factory=dict)
    programs: dict[str, dict[str, str]] = field(default_factory=dict)
    kernels: dict[str, dict[str, Any]] = field(default_factory=dict)
    boots: dict[str, int] = field(default_factory=dict)
    ended_on: Counter[str] = field(default_factory=Counter)
    resumed: bool = False
    break_locks: bool = False
    patience: float | None = None
    rule: StopRule | None = None
    _held: dict[str, tuple[HostFolder, Holder]] = field(default_factory=dict)
    _guard: threading.RLock = field(default_factory=threading.RLock)

    @property
    def experiment(self) -> Experiment:
        """What is run."""
        return self.plan.experiment

    def pending(self, block: Block) -> Iterator[Trial]:
        """Trials of a block without a final record, in the order of the plan."""
        return (trial for trial in self.plan.trials(block) if trial.id not in self.finished)

    def has_left(self, block: Block) -> bool:
        """Whether a block has a trial that must be run, once those that are not needed have their final record."""
        if self.rule is not None:
            with self._guard:
                for trial in list(self.pending(block)):
                    record = self.rule.not_needed(trial, block)
                    if record is not None:
                        self.conclude(record)
        return any(True for _ in self.pending(block))

    def conclude(self, record: TrialRecord) -> None:
        """Write a trial's final record, unless it has one; the trial is finished from then on."""
        with self._guard:
            if record.trial not in self.finished:
                self.journal.append(record)
                self.finished.add(record.trial)
                if record.status is not Status.SKIPPED:
                    self.ended_on[record.host] += 1
                if self.rule is not None:
                    self.rule.learn(record)
                self.observer.trial_ends(record)

    def retry(self, record: TrialRecord) -> None:
        """Write a record of an attempt; the trial will be tried again."""
        with self._guard:
            if record.status is Status.DISTURBED:
                self.disturbed[record.trial].add((record.boot, record.start))
            self.journal.append(record)
            self.observer.trial_ends(record)

    def begin_boot(self, record: BlockRecord) -> None:
        """Write the record of a boot."""
        with self._guard:
            self.boots[record.boot] = record.block
            self.journal.append(record)
            self.observer.host_ready(record)

    def boots_of_others(self, block: Block) -> frozenset[str]:
        """Boot ids of all other blocks."""
        with self._guard:
            return frozenset(boot for boot, index in self.boots.items() if index != block.index)

    def hold(self, folder: HostFolder) -> None:
        """Take a host for this run until :meth:`let_go`; ``HostError`` says who else has it."""
        self._held[folder.host.name] = folder, take(folder, self.name, break_lock=self.break_locks)

    def holds(self, name: str) -> bool:
        """Whether this run has taken a host."""
        return name in self._held

    def let_go(self, machine: Machine) -> None:
        """Let go of a host under its own kernel, as far as it can still be reached."""
        host = machine.restore_kernel()
        held = self._held.pop(machine.name, None)
        if held is not None:
            folder, holder = held
            folder.host = host or folder.host
            with contextlib.suppress(HostError):
                release(folder, holder)


def execute(run: Run) -> None:
    """Run all blocks of the plan. Raises ``Interrupted`` when the user wanted it to stop, and what a host raises."""
    if run.provider.hosts:
        from orchestrator.execution.fleet import execute_on_fleet

        execute_on_fleet(run)
        return
    from orchestrator.execution.block import BlockRun

    with run.provider.machine(run.folder) as machine:
        try:
            for block in run.plan.blocks():
                if run.has_left(block):
                    run.observer.block_begins(block, sum(1 for _ in run.pending(block)))
                    BlockRun(run, machine, block).execute()
        finally:
            run.let_go(machine)
