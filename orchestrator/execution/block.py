"""One block, through as many visits to its host as it takes.

On each visit the host's own journal is read from its start, so that whatever became of the connection, the controller
or the host in between, a trial that has ended there is never run again.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator

from orchestrator.errors import CommandFailed, HostError, HostLost, Interrupted
from orchestrator.execution import host_journal, outcome
from orchestrator.execution.coordinator import Run
from orchestrator.execution.host_losses import HostLosses
from orchestrator.execution.visit import Visit
from orchestrator.hosts import facts as host_facts
from orchestrator.hosts.base import Host, Machine
from orchestrator.kernels.proof import Identity, Proof, prove
from orchestrator.plan.model import Block, Trial
from orchestrator.results.records import BlockRecord
from orchestrator.timestamps import utc_now

log = logging.getLogger(__name__)

SILENCE_GRACE_S = 20.0
"""Added to what a trial may take before a silent host is asked whether its runner is still alive.

One that is goes on being waited for: it holds its trial to the time limit itself, by the host's clock, which may be
many times slower than ours."""

SILENT_ROUNDS = 20
"""After so many silences in a row, each with a runner alive, the trial is taken to be stuck in the host's kernel."""

RECONNECT_PAUSE_S = 2.0


class PlanReader:
    """Finds trials by id in a stream of ids that follows the plan's order, without holding the plan in memory."""

    def __init__(self, trials: Iterator[Trial]) -> None:
        self._trials = trials
        self._current: Trial | None = None

    def find(self, trial_id: str) -> Trial | None:
        """Return the trial, or None if it is not further on in the plan."""
        if self._current is not None and self._current.id == trial_id:
            return self._current
        for trial in self._trials:
            if trial.id == trial_id:
                self._current = trial
                return trial
        return None


class BlockRun:
    """One block on one machine.

    :param more: gives the next share of the same block when one is done; None: there is none.
    """

    def __init__(
        self, run: Run, machine: Machine, block: Block, more: Callable[[], Block | None] = lambda: None
    ) -> None:
        self._run = run
        self._machine = machine
        self._block = block
        self._more = more
        self._kernel = next(kernel for kernel in run.experiment.kernels if kernel.name == block.kernel)
        self._identity = Identity()
        self._place: outcome.TrialContext | None = None
        self._losses = HostLosses(run, machine.name)
        self._stop_sent = 0

    def execute(self) -> None:
        """Visit the host until no trial of the block is left."""
        self._hold_before_boot()
        self._identity = self._machine.identity(self._kernel)
        host = self._machine.boot(self._kernel)
        while True:
            try:
                if self._visit(host):
                    if not self._left():
                        return
                    continue
                ended = "the runner on the host ended before its trial did"
                self._losses.count(ended)
                self._losses.charge(self._block, self._place, ended)
            except HostLost as loss:
                self._losses.count(str(loss))
                host = self._recover(loss)

    def _hold_before_boot(self) -> None:
        """A machine that others may use is taken before it is booted under them; others by the first visit."""
        if self._machine.files_survive_boot and not self._run.holds(self._machine.name):
            visit = self._visit_to(self._machine.reconnect())
            self._run.hold(visit.ours)
            visit.check_free()

    def _visit_to(self, host: Host) -> Visit:
        run = self._run
        visit = Visit(host, run.experiment, f"{run.name}-{self._block.name}", self._machine.clock)
        visit.install_scripts()
        return visit

    def _visit(self, host: Host) -> bool:
        """Do on a connected host what is left to do; False if its runner ended before its trials did."""
        run = self._run
        visit = self._visit_to(host)
        run.hold(visit.ours)
        facts = self._meet(host)
        environment = str(self._machine.environment or host_facts.environment(facts))
        kernel_hash = self._identity.kernel_hash
        here = outcome.TrialContext(self._block.index, host.name, facts.boot_id, environment, kernel_hash)
        rebooted = self._place is not None and self._place.boot != facts.boot_id
        proof = self._prove(facts)
        if proof.fault:
            if rebooted:
                self._collect(visit, self._place or here)
                visit.restore()
                visit.clean()
            self._announce(here, facts, {}, proof)
            self._set_aside(proof.fault, here)
            return True
        settings: dict[str, str] = {}
        if visit.runner_is_running():
            run.observer.note(f"{host.name}: its runner is still at work; following it")
        else:
            visit.check_free()
            self._collect(visit, self._place or here)
            if rebooted:
                self._losses.charge(self._block, self._place, "its host went down and came up again")
            visit.restore()
            if not self._left():
                visit.clean()
                return True
            machine = self._machine
            for done in visit.provision(run.cache, facts.document, machine.variables, machine.groups):
                run.artifacts.update(done.result.get("artifacts", {}))
                settings.update(done.result.get("settings", {}))
            run.programs.update(visit.find_programs(run.plan.programs))
            settings.update(visit.tune())
            visit.start(self._losses.trials_to_send(self._block))
        self._announce(here, facts, settings, proof)
        complete = self._follow(visit)
        while complete and not run.stop.level:
            again = self._left()  # as trials were disturbed
            share = self._block if again else self._more()
            if share is None:
                break
            visit.clean()
            self._block = share
            visit = visit.of(f"{run.name}-{share.name}")
            visit.start(self._losses.trials_to_send(self._block))
            complete = self._follow(visit)
        visit.restore()
        if run.stop.level:
            raise Interrupted(f"stopped by {run.stop.by}; the same command carries the run on")
        if complete:
            visit.clean()
        return complete

    def _meet(self, host: Host) -> host_facts.Facts:
        """Gather facts and check the needs."""
        facts = host_facts.gather(host)
        unmet = host_facts.unmet(self._run.experiment.hosts.needs, facts)
        if unmet:
            raise HostError("\n".join(f"{host.name}: {need}" for need in unmet))
        return facts

    def _left(self) -> bool:
        """Whether a trial of the block has no final record yet."""
        return any(True for _ in self._run.pending(self._block))

    def _prove(self, facts: host_facts.Facts) -> Proof:
        """Compare the kernel that runs with the one of this block, and the boot with those of other blocks."""
        others = self._run.boots_of_others(self._block) if self._run.provider.boots_kernels else frozenset()
        return prove(self._identity, facts, others)

    def _set_aside(self, fault: str, here: outcome.TrialContext) -> None:
        """No number comes from a kernel that is not the one asked for: every trial left gets its final record."""
        self._run.observer.note(f"{here.host}: another kernel runs than {self._kernel.name!r}: {fault}")
        for trial in self._run.pending(self._block):
            self._run.conclude(outcome.wrong_kernel(trial, here, fault))

    def _announce(
        self, here: outcome.TrialContext, facts: host_facts.Facts, settings: dict[str, str], proof: Proof
    ) -> None:
        """Write the record of a boot, once for each boot."""
        if self._place == here:
            return
        self._place = here
        record = BlockRecord(
            block=self._block.index,
            kernel=self._block.kernel,
            host=here.host,
            boot=here.boot,
            environment=here.environment,
            clock=self._machine.clock,
            facts=facts.document,
            settings=settings,
            time=utc_now(),
            kernel_hash=here.kernel_hash,
            proof=tuple(proof.document),
            hypervisor=self._machine.hypervisor,
        )
        if not proof.fault:
            self._run.kernels[self._block.kernel] = {
                "release": facts.release,
                "version": facts.version,
                "build_id": facts.build_id,
                "hash": here.kernel_hash,
                "config_hash": facts.config_hash,
                "patches": list(self._identity.patches),
                "recipe": self._identity.recipe,
                "source": self._identity.source,
                "config": self._identity.config,
                "compiler": self._identity.compiler,
            }
        self._run.begin_boot(record)

    def _collect(self, visit: Visit, place: outcome.TrialContext) -> None:
        """Take over what an earlier runner left on the host."""
        reader = PlanReader(self._run.plan.trials(self._block))
        journal = host_journal.Reader()
        for line in visit.journal_lines():
            self._take(journal.read(line), reader, place)

    def _follow(self, visit: Visit) -> bool:
        """Follow the host's journal to its end; whether it ended as it should."""
        reader = PlanReader(self._run.plan.trials(self._block))
        journal = host_journal.Reader()
        heard, silences = time.monotonic(), 0
        for line in visit.follow():
            if self._stop_sent < self._run.stop.level:
                self._stop_sent = self._run.stop.level
                visit.stop(now=self._stop_sent > 1)
            if line is not None:
                heard, silences = time.monotonic(), 0
                assert self._place is not None
                if self._take(journal.read(line), reader, self._place):
                    return True
            elif time.monotonic() - heard > self._longest_silence():
                if self._runner_has_ended(visit):
                    return False
                heard, silences = time.monotonic(), silences + 1
                if silences == SILENT_ROUNDS:
                    raise HostError(f"{visit.host.name}: {self._stuck()}")
        return False

    def _take(
        self, event: host_journal.Event | None, reader: PlanReader, place: outcome.TrialContext
    ) -> bool:
        """Act on one line of the host's journal; whether it was the last."""
        if isinstance(event, host_journal.Start):
            self._losses.running = reader.find(event.trial)
        elif isinstance(event, host_journal.TrialEnd):
            trial = reader.find(event.trial)
            self._losses.running = None
            if trial is not None and trial.id not in self._run.finished:
                self._losses.in_a_row = 0
                self._take_end(trial, place, event)
        elif isinstance(event, host_journal.End) and event.reason == "failed":
            raise HostError(f"{self._machine.name}: the runner gave up: {event.detail}")
        return isinstance(event, host_journal.End)

    def _take_end(self, trial: Trial, place: outcome.TrialContext, end: host_journal.TrialEnd) -> None:
        """Write what became of a trial, unless it is an attempt that an earlier look at the journal has told of."""
        disturbed = self._run.disturbed[trial.id]
        if (end.boot, end.start) not in disturbed:
            record = outcome.record(self._run.experiment, trial, place, end, len(disturbed))
            (self._run.conclude if record.final else self._run.retry)(record)

    def _stuck(self) -> str:
        running = self._losses.running
        which = f"trial {running.id}" if running else "a trial"
        return (
            f"{which} neither ends nor can be ended, though the host answers: it may be stuck in the kernel; "
            "see the host's kernel log, boot it again and give the same command"
        )

    @staticmethod
    def _runner_has_ended(visit: Visit) -> bool:
        """Ask a silent host; one that does not answer that either is lost."""
        try:
            return not visit.runner_is_running()
        except CommandFailed as error:
            raise HostLost(str(error)) from error

    def _longest_silence(self) -> float:
        limits = self._run.experiment.limits
        return limits.trial + limits.settle + SILENCE_GRACE_S

    def _recover(self, loss: HostLost) -> Host:
        """Return to the host: the same boot if it lives, a new one if it does not; raise ``loss`` where all is vain."""
        run = self._run
        run.observer.note(f"{loss}; trying to return")
        patience = run.experiment.limits.boot if run.patience is None else run.patience
        deadline = time.monotonic() + patience
        while not run.stop.level:
            try:
                return self._machine.reconnect()
            except HostError as refusal:
                log.info("%s", refusal)
            if run.provider.boots_kernels:
                if not self._machine.files_survive_boot:
                    self._losses.charge(self._block, self._place, str(loss), certain=self._losses.is_certain)
                    self._place = None
                return self._machine.boot(self._kernel)
            if time.monotonic() > deadline:
                if run.patience is not None:
                    # Somebody else will run the trial, and must not be lost to it as well.
                    self._losses.charge(self._block, self._place, str(loss))
                raise loss
            time.sleep(RECONNECT_PAUSE_S)
        raise Interrupted(f"stopped by {run.stop.by}; {loss}")
