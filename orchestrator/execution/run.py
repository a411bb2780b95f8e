"""One run: what its blocks share, whichever host they are on."""

from __future__ import annotations

import threading
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Protocol

from orchestrator.execution.observer import Observer
from orchestrator.execution.similar_hosts import SimilarHosts
from orchestrator.execution.stop_rule import StopRule
from orchestrator.execution.stopping import Stop
from orchestrator.experiment.model import Experiment, Status
from orchestrator.hosts.base import Machine
from orchestrator.hosts.provider import Provider
from orchestrator.hosts.remote.folder import HostFolder
from orchestrator.hosts.remote.lock import Holder, release, take
from orchestrator.hosts.remote.runner_program import RunnerProgram
from orchestrator.plan import Plan
from orchestrator.plan.model import Block, Trial
from orchestrator.results.records import BlockRecord, Record, TrialRecord

SHARD_RECONNECT_LIMIT_S = 5.0
"""A lost host of a sharded fleet must come back within this time; then other hosts run its trials."""


class RecordWriter(Protocol):
    """Where records go; a :class:`~orchestrator.results.journal.Journal`, or nothing in a dry run."""

    def append(self, *records: Record) -> None:
        """Write records; return once they are on disk."""


class Run:
    """State of a run, shared by the threads of its hosts: every method takes the lock.

    :ivar name: the run's id.
    :ivar stop: whether the user wants the run to stop.
    :ivar folder: the run's folder; takes console logs.
    :ivar cache: folder on the controller for what was built and fetched.
    :ivar resumed: whether an earlier controller began the run.
    :ivar similar_hosts: of a run that is no fleet.
    """

    def __init__(
        self,
        name: str,
        plan: Plan,
        provider: Provider,
        journal: RecordWriter,
        observer: Observer,
        stop: Stop,
        folder: Path,
        cache: Path,
        resumed: bool = False,
        break_locks: bool = False,
    ) -> None:
        """Take over nothing yet: see :meth:`replay`.

        :param break_locks: take hosts that other runs hold.
        """
        self.name = name
        self.plan = plan
        self.provider = provider
        self.observer = observer
        self.stop = stop
        self.folder = folder
        self.cache = cache
        self.resumed = resumed
        self.similar_hosts = SimilarHosts(observer.note)
        self._journal = journal
        self._break_locks = break_locks
        self._lock = threading.RLock()
        self._finished: set[str] = set()
        self._all_ok = True
        self._crashes: Counter[str] = Counter()
        self._disturbances: defaultdict[str, set[tuple[str, str]]] = defaultdict(set)
        self._boots: dict[str, int] = {}
        self._trials_ended: Counter[str] = Counter()
        self._held: dict[str, tuple[HostFolder, Holder]] = {}
        self._artifacts: dict[str, str] = {}
        self._programs: dict[str, dict[str, str]] = {}
        self._runners: dict[str, dict[str, str]] = {}
        self._has_sent_trials = False
        self._kernels: dict[str, dict[str, Any]] = {}
        until = plan.experiment.repetitions.until
        self._stop_rule = None if until is None else StopRule(plan.experiment, until)

    def replay(self, records: Iterable[Record]) -> None:
        """Take over what earlier controllers have written into the journal, in one pass."""
        with self._lock:
            for record in records:
                if isinstance(record, BlockRecord):
                    self.similar_hosts.begin_with(record.host, record.facts, record.environment)
                elif isinstance(record, TrialRecord):
                    if record.final:
                        self._finish(record)
                    elif record.status is Status.DISTURBED:
                        self._disturbances[record.trial].add((record.boot, record.start))
                    else:
                        self._crashes[record.trial] += 1

    # --- what is asked of it -------------------------------------------------------------------------------

    @property
    def experiment(self) -> Experiment:
        """The experiment."""
        return self.plan.experiment

    @property
    def is_sharded(self) -> bool:
        """Whether the hosts of a fleet share the cells."""
        return self.provider.is_fleet and self.experiment.hosts.fleet == "shard"

    @property
    def reconnect_limit(self) -> float:
        """Seconds within which a lost host must come back."""
        boot = self.experiment.limits.boot
        return min(SHARD_RECONNECT_LIMIT_S, boot) if self.is_sharded else boot

    @property
    def all_ok(self) -> bool:
        """Whether each finished trial is ok, or was allowed not to be."""
        with self._lock:
            return self._all_ok

    @property
    def finished_count(self) -> int:
        """Number of trials with a final record."""
        with self._lock:
            return len(self._finished)

    def is_finished(self, trial: str) -> bool:
        """Whether a trial has its final record."""
        with self._lock:
            return trial in self._finished

    def pending(self, block: Block) -> Iterator[Trial]:
        """Yield the trials of a block without a final record, in the order of the plan."""
        return (trial for trial in self.plan.trials(block) if not self.is_finished(trial.id))

    def has_pending(self, block: Block) -> bool:
        """Whether a block has a trial to run, after those that the stop rule saves got their final record."""
        if self._stop_rule is not None:
            with self._lock:
                for trial in list(self.pending(block)):
                    record = self._stop_rule.not_needed(trial, block)
                    if record is not None:
                        self.record(record)
        return any(True for _ in self.pending(block))

    def disturbances(self, trial: str) -> frozenset[tuple[str, str]]:
        """Return the disturbed attempts of a trial, each by boot id and start."""
        with self._lock:
            return frozenset(self._disturbances.get(trial, ()))

    def boots_of_other_blocks(self, block: Block) -> frozenset[str]:
        """Return the boot ids that this command has seen in other blocks."""
        with self._lock:
            return frozenset(boot for boot, index in self._boots.items() if index != block.index)

    def trials_ended_on(self, host: str) -> int:
        """Return how many trials have ended on a host under this controller."""
        with self._lock:
            return self._trials_ended[host]

    @property
    def has_sent_trials(self) -> bool:
        """Whether this controller has sent trials to a host, or found them running there."""
        with self._lock:
            return self._has_sent_trials

    # --- what happens to it --------------------------------------------------------------------------------

    def write(self, record: Record) -> None:
        """Write a record that changes no trial."""
        with self._lock:
            self._journal.append(record)

    def record(self, *trials: TrialRecord) -> None:
        """Write the records of trials that ended, unless they are finished; those that are not final will run again."""
        with self._lock:
            new = [trial for trial in trials if trial.trial not in self._finished]
            if not new:
                return
            self._journal.append(*new)
            for trial in new:
                if trial.final:
                    self._finish(trial)
                    if trial.status is not Status.SKIPPED:
                        self._trials_ended[trial.host] += 1
                elif trial.status is Status.DISTURBED:
                    self._disturbances[trial.trial].add((trial.boot, trial.start))
            for trial in new:  # last, as whoever is told may fail
                self.observer.trial_ends(trial)

    def assume_finished(self, block: Block) -> None:
        """Count each trial of a block as finished, without a record: a dry run executes none."""
        with self._lock:
            self._finished.update(trial.id for trial in self.plan.trials(block))

    def count_crash(self, trial: str) -> int:
        """Count that a trial has taken its host down; return how often it has."""
        with self._lock:
            self._crashes[trial] += 1
            return self._crashes[trial]

    def expect_trials(self) -> None:
        """Note that trials may run on a host from now on."""
        with self._lock:
            self._has_sent_trials = True

    def begin_boot(self, record: BlockRecord) -> None:
        """Write the record of a boot."""
        with self._lock:
            self._boots[record.boot] = record.block
            self._has_sent_trials = True
            self._journal.append(record)
            self.observer.host_ready(record)

    def _finish(self, record: TrialRecord) -> None:
        self._finished.add(record.trial)
        self._all_ok = self._all_ok and (record.status is Status.OK or record.allowed)
        if self._stop_rule is not None:
            self._stop_rule.learn(record)

    # --- hosts that it holds -------------------------------------------------------------------------------

    def hold(self, machine: str, folder: HostFolder) -> None:
        """Lock the host of a machine for this run until :meth:`let_go`; ``HostError`` names whoever else holds it."""
        holder = take(folder, self.name, break_lock=self._break_locks)
        with self._lock:
            self._held[machine] = folder, holder

    def holds(self, machine: str) -> bool:
        """Whether this run has locked the host of a machine."""
        return self.held(machine) is not None

    def held(self, machine: str) -> HostFolder | None:
        """Return our folder on the host of a machine that this run has locked; None if it has not."""
        with self._lock:
            folder, _ = self._held.get(machine, (None, None))
            return folder

    def let_go(self, machine: Machine) -> None:
        """Leave a machine under its own kernel and unlock it, if it can still be reached; warns of what is left."""
        host = machine.restore_kernel()
        with self._lock:
            held = self._held.pop(machine.name, None)
        if held is not None:
            folder, holder = held
            folder.host = host or folder.host
            release(folder, holder, ends=self.provider.creates_hosts)

    # --- what the manifest will say ------------------------------------------------------------------------

    def record_artifacts(self, hashes: Mapping[str, str]) -> None:
        """Keep the SHA-256 (hex) of programs that were built, by name."""
        with self._lock:
            self._artifacts.update(hashes)

    def record_programs(self, programs: Mapping[str, dict[str, str]]) -> None:
        """Keep what a host reports of the programs that trials begin with, see :meth:`Visit.find_programs`."""
        with self._lock:
            self._programs.update(programs)

    def record_runner(self, program: RunnerProgram) -> None:
        """Keep what runs the trials on hosts of an architecture."""
        with self._lock:
            self._runners[program.machine] = {"source": program.source, "sha256": program.sha256}

    @property
    def runners(self) -> dict[str, dict[str, str]]:
        """Source and program of the runner, by ``uname -m`` of the hosts."""
        with self._lock:
            return dict(self._runners)

    def record_kernel(self, name: str, description: dict[str, Any]) -> None:
        """Keep what ran under one of the experiment's kernel names: release, version, build id, hash, patches."""
        with self._lock:
            self._kernels[name] = description

    @property
    def benchmark_hash(self) -> str:
        """SHA-256 (hex) of the benchmark that was built; empty where none was."""
        role = self.experiment.benchmark.role
        with self._lock:
            return self._artifacts.get(role.name, "") if role else ""

    @property
    def programs(self) -> dict[str, dict[str, str]]:
        """See :meth:`record_programs`."""
        with self._lock:
            return dict(self._programs)

    @property
    def kernels(self) -> dict[str, dict[str, Any]]:
        """See :meth:`record_kernel`."""
        with self._lock:
            return dict(self._kernels)
