"""A run on many hosts at once: which take part, one thread for each, and the outcome of each.

Nothing is changed on any host before all of them were asked what they are. From then on each host is on its own:
whatever happens to it, the others go on.
"""

from __future__ import annotations

import logging
import signal
from collections.abc import Sequence
from functools import partial

from msgspec import Struct

from orchestrator.activities import doing
from orchestrator.errors import (
    BadInput,
    ExitCode,
    HostError,
    HostGone,
    HostLost,
    Interrupted,
    KernelError,
    OrchestratorError,
)
from orchestrator.execution import leftovers, needs
from orchestrator.execution.block import BlockRun
from orchestrator.execution.interruptions import leaving_in_time
from orchestrator.execution.missing import missing
from orchestrator.execution.open_files import allow_connections
from orchestrator.execution.rights import needs_root
from orchestrator.execution.run import Run
from orchestrator.execution.stopping import MachineStop, after, time_left
from orchestrator.execution.work_queue import ReplicaQueue, ShardQueue, WorkQueue
from orchestrator.hosts import facts as host_facts
from orchestrator.hosts.base import Host, Machine
from orchestrator.hosts.remote.folder import HostFolder
from orchestrator.hosts.similarity import differences, reference_host
from orchestrator.plan.model import Block
from orchestrator.results.records import HostOutcome, HostRecord
from orchestrator.threads import in_threads
from orchestrator.timestamps import utc_now

log = logging.getLogger(__name__)

MAX_CONNECTING = 32
"""Connections that are opened at the same time: each costs both sides some milliseconds of CPU."""

_ERRORS = {ExitCode.BAD_INPUT: BadInput, ExitCode.HOST: HostError, ExitCode.KERNEL: KernelError}


class FleetHost(Struct):
    """A host of the fleet.

    :ivar started: names of the blocks that it has started for this run, the running one first.
    :ivar error: why it takes no further part.
    :ivar outcome: see :class:`~orchestrator.results.records.HostRecord`.
    """

    machine: Machine
    facts: host_facts.Facts | None = None
    started: tuple[str, ...] = ()
    error: OrchestratorError | None = None
    outcome: HostOutcome = "done"

    @property
    def name(self) -> str:
        """The host's name."""
        return self.machine.name

    def fail(self, outcome: HostOutcome, error: OrchestratorError) -> None:
        """Take no further part."""
        self.outcome, self.error = outcome, error


def execute_on_fleet(run: Run) -> None:
    """Run the plan on all hosts of the provider.

    Raises ``Interrupted`` when the user wants it to stop. Where trials are missing at the end, raises what kept the
    hosts from running them, with the missing cells; of a new run that no host can take, with the reason of each host.
    """
    with run.provider.machines(run.folder) as machines:
        fleet = [FleetHost(machine) for machine in machines]
        allow_connections(len(fleet))
        in_threads(MAX_CONNECTING, _inspect, [(run, host) for host in fleet])
        if run.is_sharded:
            _exclude_dissimilar(run, fleet)
        usable = [host for host in fleet if host.error is None]
        run.observer.note(f"{len(usable)} of {len(fleet) + len(run.provider.other_hosts)} hosts take part")
        queue = _work_queue(run, usable)
        deadlines = [(one.deadline, one.deadline_is) for one in machines if one.deadline is not None]
        deadline, limit = min(deadlines, default=(None, ""))
        with after(run.stop, time_left(deadline, run.experiment), limit):
            in_threads(len(usable), _work, [(run, host, queue) for host in usable])
    _record_outcomes(run, fleet)
    if run.stop.level:
        raise Interrupted(f"stopped by {run.stop.by}")
    is_refused = not usable and not run.resumed
    lines = [str(host.error) for host in fleet] if is_refused else list(missing(run))
    if lines:
        codes = {host.error.exit_code for host in fleet if host.error is not None}
        kind = _ERRORS.get(codes.pop(), HostError) if len(codes) == 1 else HostError
        raise kind(*(line for text in lines for line in text.split("\n")))


def _inspect(run: Run, fleet_host: FleetHost) -> None:
    """Connect, and ask a host what it is and what it has started; changes nothing."""
    with doing(fleet_host.name, "connecting") as activity:
        try:
            host = fleet_host.machine.reconnect()
        except HostError as error:
            fleet_host.fail("unreachable", error)
            return
        except Interrupted as error:
            fleet_host.fail("stopped", error)
            return
        activity.change("gathering facts")
        _question(run, fleet_host, host)


def _question(run: Run, fleet_host: FleetHost, host: Host) -> None:
    try:
        fleet_host.facts = host_facts.gather(host)
        try:
            needs.require(host.name, run.experiment, run.provider, fleet_host.facts)
        except HostError as error:
            fleet_host.fail("left out", error)
            return
        if run.resumed:
            fleet_host.started = _started_blocks(run, host)
    except HostLost as error:
        fleet_host.fail("lost", error)
    except HostError as error:
        fleet_host.fail("failed", error)


def _started_blocks(run: Run, host: Host) -> tuple[str, ...]:
    folder = HostFolder(host, root=needs_root(run.experiment))
    if not folder.exists():
        return ()
    folder.install()
    runner = folder.runner()
    running = runner.block.rpartition("/")[2] if runner else ""
    prefix = f"{run.name}-"
    names = sorted(folder.blocks(), key=lambda name: name != running)
    return tuple(name.removeprefix(prefix) for name in names if name.startswith(prefix))


def _exclude_dissimilar(run: Run, fleet: Sequence[FleetHost]) -> None:
    """Cells are shared by similar hosts only."""
    facts = {host.name: host.facts for host in fleet if host.facts and host.error is None}
    if not facts:
        return
    kernels = not run.provider.boots_kernels
    reference = reference_host(facts, kernels=kernels)
    for host in fleet:
        if host.name in facts:
            found = differences(facts[reference], facts[host.name], kernels=kernels)
            if found:
                reason = f"{host.name}: differs from {reference} and similar hosts: {'; '.join(found)}"
                host.fail("left out", HostError(reason))


def _work_queue(run: Run, usable: Sequence[FleetHost]) -> WorkQueue:
    if not run.is_sharded:
        return ReplicaQueue(run.plan, run.has_pending)
    blocks = {host.name: [run.plan.find_block(name) for name in host.started] for host in usable}
    started = {name: [block for block in found if block and block.shard] for name, found in blocks.items()}
    return ShardQueue(run.plan, run.has_pending, len(usable), started)


def _work(run: Run, host: FleetHost, queue: WorkQueue) -> None:
    """The thread of one host: run what the queue gives until there is nothing left, or something fails."""
    name, machine, stop = host.name, host.machine, MachineStop(run.stop)
    try:
        with leaving_in_time(stop, machine, run.observer.note):
            while block := _next_block(queue, name, stop):
                BlockRun(run, machine, block, partial(queue.next_shard, name, block), stop).execute()
            if not stop.level:
                leftovers.clean_up(run, machine)
        if stop.leaving:
            host.fail("lost", HostError(f"{name}: {stop.leaving}"))
    except Interrupted as error:
        if run.stop.level:
            host.fail("stopped", error)
        else:
            host.fail("lost", HostError(f"{name}: {stop.leaving}"))
    except (HostLost, HostGone) as error:
        host.fail("lost", error)
    except OrchestratorError as error:
        host.fail("failed", error)
    except BaseException:
        run.stop.request(signal.SIGTERM)  # a defect of this program: let the other hosts end in order
        raise
    finally:
        queue.requeue(name)
        run.let_go(machine)
        machine.close()


def _next_block(queue: WorkQueue, name: str, stop: MachineStop) -> Block | None:
    """Return the next block of a host; it may have to wait for those of others."""
    with doing(name, "waiting for blocks of other hosts"):
        return queue.take(name, lambda: bool(stop.level))


def _record_outcomes(run: Run, fleet: Sequence[FleetHost]) -> None:
    """Write the outcome of each host into the journal, and tell the user."""
    outcomes: list[tuple[str, HostOutcome, str]] = [
        (host.name, host.outcome, str(host.error or "").replace(f"{host.name}: ", "").replace("\n", "; "))
        for host in fleet
    ]
    outcomes += [(name, "left out", reason) for name, reason in run.provider.other_hosts.items()]
    width = max(len(name) for name, _, _ in outcomes)
    for name, outcome, reason in outcomes:
        trials = run.trials_ended_on(name)
        run.write(HostRecord(name, outcome, trials, reason, utc_now()))
        run.observer.note(f"{name:{width}}  {outcome:11}  {trials:5} trials  {reason}".rstrip())
