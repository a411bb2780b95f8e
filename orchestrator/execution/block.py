"""One block on one machine, in as many visits to the host as it takes.

Each visit reads the host's own journal from its start. Whatever happened to the connection, the controller or the host
in between, a trial that has ended there is never run again.
"""

from __future__ import annotations

import contextlib
import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from orchestrator.activities import Activity, doing, showing
from orchestrator.environments import Environment, clock_of
from orchestrator.errors import (
    HostError,
    HostGone,
    HostKeyRefused,
    HostLost,
    Interrupted,
    LoginRefused,
    OrchestratorError,
)
from orchestrator.execution import needs, outcome
from orchestrator.execution.boots import record_boot
from orchestrator.execution.host_losses import HostLosses
from orchestrator.execution.journal_follower import JournalFollower
from orchestrator.execution.outcome import TrialContext
from orchestrator.execution.run import Run
from orchestrator.execution.stopping import Stopping
from orchestrator.execution.visit import Visit
from orchestrator.hosts import facts as host_facts
from orchestrator.hosts import instruction_clock
from orchestrator.hosts.base import Host, Machine
from orchestrator.kernels.verification import Identity, Verification, verify
from orchestrator.plan.model import Block

log = logging.getLogger(__name__)

RECONNECT_PAUSE_S = 2.0


class BlockRun:
    """One block on one machine.

    :param next_shard: returns the next shard of the same block when one is done; None: there is none.
    :param stop: of the machine; None: that of the run.
    """

    def __init__(
        self,
        run: Run,
        machine: Machine,
        block: Block,
        next_shard: Callable[[], Block | None] = lambda: None,
        stop: Stopping | None = None,
    ) -> None:
        self._run = run
        self._machine = machine
        self._block = block
        self._next_shard = next_shard
        self._stop = stop or run.stop
        self._kernel = next(kernel for kernel in run.experiment.kernels if kernel.name == block.kernel)
        self._identity = Identity()
        self._context: TrialContext | None = None
        self._current: Visit | None = None  # with the folder of the shard that runs
        self._losses = HostLosses(run, machine.name)
        label = f"block {block.index}, kernel {block.kernel}"
        self._activity = Activity(machine.name, "preparing", label=label)
        self._follower = JournalFollower(run, machine.name, self._losses, self._stop, self._activity)

    def execute(self) -> None:
        """Visit the host until no trial of the block is left."""
        self._activity.total = sum(1 for _ in self._run.pending(self._block))
        with showing(self._activity):
            self._execute()

    def _execute(self) -> None:
        if self._stop.level:
            raise self._interrupted()
        self._lock_before_boot()
        self._identity = self._machine.identity(self._kernel)
        with doing("", "booting" if self._run.provider.boots_kernels else "connecting"):
            host = self._machine.boot(self._kernel)
        if (
            self._stop.level and not self._machine.files_survive_boot
        ):  # else a runner of before may be at work there
            raise self._interrupted()
        while True:
            try:
                if self._visit(host):
                    if not self._is_pending():
                        return
                    continue
                reason = "the runner on the host exited during the trial"
                self._losses.count(reason)
                self._losses.blame(self._block, self._context, reason)
            except HostLost as loss:
                self._losses.count(str(loss))
                host = self._recover(loss)

    def _lock_before_boot(self) -> None:
        """Lock a machine that others may use before it is rebooted; others are locked by the first visit."""
        if self._machine.files_survive_boot and not self._run.holds(self._machine.name):
            visit = self._open_visit(self._machine.reconnect())
            self._run.hold(self._machine.name, visit.ours)
            visit.check_free()

    def _open_visit(self, host: Host) -> Visit:
        run = self._run
        visit = Visit(host, run.experiment, f"{run.name}-{self._block.name}")
        run.record_runner(visit.install())
        return visit

    def _visit(self, host: Host) -> bool:
        """Run on a connected host what is left to run; False if its runner ended before its trials did."""
        self._activity.change("preparing")
        self._current = visit = self._open_visit(host)
        self._run.hold(self._machine.name, visit.ours)
        facts = self._gather_facts(visit)
        context = self._context_of(host, facts)
        rebooted = self._context is not None and self._context.boot != facts.boot_id
        verification = self._verify(host, facts)
        if verification.mismatches:
            if rebooted:
                self._follower.collect(visit, self._block, self._context or context)
                visit.restore()
                visit.clean()
            self._announce(context, facts, {}, verification)
            self._record_wrong_kernel(verification.mismatches, context)
            return True
        settings: dict[str, str] = {}
        if visit.runner_is_running():
            self._run.observer.note(f"{host.name}: the runner is still running; following its journal")
        else:
            visit.check_free()
            self._follower.collect(visit, self._block, self._context or context)
            if rebooted:
                self._losses.blame(self._block, self._context, "the host rebooted")
            visit.restore()
            if not self._is_pending():
                visit.clean()
                return True
            with self._abandoned_after(OrchestratorError):  # those that are ours have restored it themselves
                settings = self._provision(visit, facts)
                if self._stop.level:  # no trial runs that has to end first
                    visit.restore()
                    visit.clean()
                    raise self._interrupted()
                self._run.expect_trials()
                self._activity.change("sending trials")
                visit.start(self._losses.trials_to_send(self._block), clock_of(context.environment))
        with self._abandoned_after(HostLost, Interrupted):
            self._announce(context, facts, settings, verification)
            return self._follow(visit, context)

    @contextmanager
    def _abandoned_after(self, *others: type[OrchestratorError]) -> Iterator[None]:
        """After any error but these leave the host as it was, as far as it lets us: nobody will follow its runner."""
        try:
            yield
        except others:
            raise
        except Exception:
            if self._current is not None:
                with contextlib.suppress(OrchestratorError):
                    self._current.stop(now=True)
                    self._current.restore()
            raise

    def _provision(self, visit: Visit, facts: host_facts.Facts) -> dict[str, str]:
        """Apply roles and tuning; return the settings as read back, by path."""
        run, machine = self._run, self._machine
        self._activity.change("applying roles and settings")
        settings: dict[str, str] = {}
        for task in visit.provision(run.cache, facts.document, machine.variables, machine.groups):
            run.record_artifacts(task.result.get("artifacts", {}))
            settings.update(task.result.get("settings", {}))
        run.record_programs(visit.find_programs(run.plan.programs))
        settings.update(visit.tune(self._kernel.name if len(run.experiment.kernels) > 1 else ""))
        visit.check_placement()
        return settings

    def _follow(self, visit: Visit, context: TrialContext) -> bool:
        """Follow the runner through the block and its further shards, then restore the host."""
        run = self._run
        ended = self._losses.ended
        complete = self._follower.follow(visit, self._block, context)
        while complete and not self._stop.level:
            if missing := next(run.pending(self._block), None):  # disturbed, or its line is lost
                if self._losses.ended == ended:
                    self._losses.count(f"its journal is complete, and has no line of trial {missing.id}")
            elif block := self._next_shard():
                self._block = block
                self._activity.total += sum(1 for _ in run.pending(block))
            else:
                break
            visit.clean()
            ended = self._losses.ended
            self._current = visit = visit.of(f"{run.name}-{self._block.name}")
            visit.start(self._losses.trials_to_send(self._block), clock_of(context.environment))
            complete = self._follower.follow(visit, self._block, context)
        self._activity.change("restoring settings")
        visit.restore()
        if complete and not (self._stop.level and self._is_pending()):
            visit.clean()
        if self._stop.level:
            raise self._interrupted()
        return complete

    def _interrupted(self) -> Interrupted:
        return Interrupted(f"stopped by {self._stop.by}")

    def _gather_facts(self, visit: Visit) -> host_facts.Facts:
        """Gather facts and check the experiment's needs and what it asks of the machine."""
        host = visit.host
        facts = host_facts.gather(host)
        if not host.executes:
            return facts
        run = self._run
        needs.require(
            host.name,
            run.experiment,
            run.provider,
            facts,
            self._machine.differences(facts),
            lambda: visit.refusals(run.plan.programs),
        )
        return facts

    def _context_of(self, host: Host, facts: host_facts.Facts) -> TrialContext:
        environment = self._machine.environment or self._environment_by_facts(host, facts)
        return TrialContext(
            self._block.index, host.name, facts.boot_id, str(environment), self._identity.kernel_hash
        )

    def _environment_by_facts(self, host: Host, facts: host_facts.Facts) -> Environment:
        """Return what facts show. That a clock counts instructions is looked at, once for each boot."""
        environment = host_facts.environment(facts, self._run.provider.rents)
        if environment is not Environment.VM_ICOUNT or not host.executes:
            return environment
        if self._context is not None and self._context.boot == facts.boot_id:
            return Environment(self._context.environment)
        if instruction_clock.is_seen(host):
            return environment
        self._run.observer.note(
            f"{host.name}: its kernel was started with {instruction_clock.PARAMETER}, but its clock runs as ours does: "
            "recorded as vm-tcg, with a wall clock"
        )
        return Environment.VM_TCG

    def _is_pending(self) -> bool:
        """Whether a trial of the block has no final record yet."""
        return any(True for _ in self._run.pending(self._block))

    def _verify(self, host: Host, facts: host_facts.Facts) -> Verification:
        """Compare the running kernel with the one of this block, and the boot with those of other blocks."""
        if not host.executes:
            return Verification(())
        run = self._run
        others = run.boots_of_other_blocks(self._block) if run.provider.boots_kernels else frozenset()
        return verify(self._identity, facts, others)

    def _record_wrong_kernel(self, fault: str, context: TrialContext) -> None:
        """Record the pending trials as not run: another kernel is running."""
        reason = outcome.wrong_kernel_reason(self._kernel.name, fault)
        self._run.observer.note(f"{context.host}: {reason}")
        for trial in self._run.pending(self._block):
            self._run.record(outcome.wrong_kernel(trial, context, fault))

    def _announce(
        self,
        context: TrialContext,
        facts: host_facts.Facts,
        settings: dict[str, str],
        verification: Verification,
    ) -> None:
        """Write the record of a boot, once for each boot."""
        if self._context == context:
            return
        self._context = context
        record_boot(
            self._run,
            self._block,
            context,
            facts,
            settings,
            self._identity,
            verification,
            self._machine.hypervisor,
            boots_kernels=self._run.provider.boots_kernels,
        )

    def _recover(self, loss: HostLost) -> Host:
        """Return to the host: the same boot if it lives, else a new one; raise ``loss`` if neither works in time.

        A machine that we do not boot, and that refuses us for good, is not waited for: raises that refusal.
        """
        run = self._run
        run.observer.note(f"{loss}; reconnecting")
        self._activity.change("reconnecting", run.reconnect_limit)
        deadline = time.monotonic() + run.reconnect_limit
        was_away = False
        while not self._stop.level:
            try:
                return self._machine.reconnect()
            except HostGone:
                raise
            except HostError as error:
                refusal = error
                log.info("%s", refusal)
            if run.provider.boots_kernels:
                if not self._machine.files_survive_boot:
                    certain = self._losses.is_certain
                    self._losses.blame(self._block, self._context, str(loss), certain=certain)
                    self._context = None
                return self._machine.boot(self._kernel)
            # A host that was away may be booting: home directories and users come after its SSH server.
            is_login = isinstance(refusal, LoginRefused)
            is_final = isinstance(refusal, HostKeyRefused) or (is_login and not was_away)
            was_away = was_away or not is_login
            if is_final or time.monotonic() > deadline:
                if run.is_sharded:
                    # Another host will run the trial, and must not be lost to it as well.
                    self._losses.blame(self._block, self._context, str(loss))
                if is_final:
                    raise refusal
                reason = str(refusal).removeprefix(f"{self._machine.name}: ")
                raise HostLost(f"{loss}; reconnecting: {reason}")
            time.sleep(RECONNECT_PAUSE_S)
        raise Interrupted(f"stopped by {self._stop.by}; {loss}")
