"""A run on many hosts at once: who takes part, one thread for each of them, and what became of each.

Nothing is changed on any host before all of them have been asked what they are. From then on each host is on its own:
whatever happens to it, the others go on.
"""

from __future__ import annotations

import logging
import signal
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial

from orchestrator.errors import (
    BadInput,
    ExitCode,
    HostError,
    HostLost,
    Interrupted,
    KernelError,
    OrchestratorError,
)
from orchestrator.execution.block import BlockRun
from orchestrator.execution.coordinator import Run
from orchestrator.execution.visit import needs_root
from orchestrator.execution.work_queue import ReplicaQueue, ShardQueue, WorkQueue
from orchestrator.hosts import facts as host_facts
from orchestrator.hosts.base import Host, Machine
from orchestrator.hosts.remote.folder import HostFolder
from orchestrator.hosts.similarity import differences, reference_host
from orchestrator.results.records import HostOutcome, HostRecord
from orchestrator.timestamps import utc_now
from orchestrator.units import plural

log = logging.getLogger(__name__)

MET_AT_ONCE = 32
"""Connections that are being opened at the same time: each costs both sides some milliseconds of arithmetic."""

PATIENCE_S = 5.0
"""So long a lost host may take to come back before others do its work."""

CELLS_SHOWN = 20
_KINDS = {ExitCode.BAD_INPUT: BadInput, ExitCode.HOST: HostError, ExitCode.KERNEL: KernelError}


@dataclass(slots=True)
class Member:
    """A host of the fleet.

    :ivar error: why it takes no further part; ``fate``: see :class:`~orchestrator.results.records.HostRecord`.
    :ivar begun: names of the blocks that it has begun for this run, the one at work first.
    """

    machine: Machine
    facts: host_facts.Facts | None = None
    begun: tuple[str, ...] = ()
    error: OrchestratorError | None = None
    fate: HostOutcome = "done"

    @property
    def name(self) -> str:
        """The host's name."""
        return self.machine.name

    def fail(self, fate: HostOutcome, error: OrchestratorError) -> None:
        """Take no further part."""
        self.fate, self.error = fate, error


def execute_on_fleet(run: Run) -> None:
    """Run the plan on all hosts of the provider.

    Raises ``Interrupted`` when the user wanted it to stop, and where trials are missing at the end what kept the hosts
    from running them, with the cells that are missing.
    """
    shares = run.experiment.hosts.fleet == "shard"
    if shares:
        run.patience = min(PATIENCE_S, run.experiment.limits.boot)
    with run.provider.machines(run.folder) as machines:
        fleet = [Member(machine) for machine in machines]
        _at_once(MET_AT_ONCE, _meet, [(run, member) for member in fleet])
        if shares:
            _leave_out_the_unlike(run, fleet)
        able = [member for member in fleet if member.error is None]
        run.observer.note(f"{len(able)} of {len(fleet)} hosts take part")
        work_queue = _work_queue(run, able, shares)
        _at_once(len(able), _work, [(run, member, work_queue) for member in able])
    _tell(run, fleet)
    if run.stop.level:
        raise Interrupted(f"stopped by {run.stop.by}; the same command carries the run on")
    missing = list(_missing(run))
    if missing:
        codes = {member.error.exit_code for member in fleet if member.error is not None}
        kind = _KINDS.get(codes.pop(), HostError) if len(codes) == 1 else HostError
        raise kind("\n".join(missing))


def _at_once(threads: int, act: Callable[..., None], arguments: Sequence[tuple[object, ...]]) -> None:
    """Do something for each of the arguments, so many at a time; what none of ours is raised once all have ended."""
    if not arguments:
        return
    with ThreadPoolExecutor(threads) as pool:
        futures = [pool.submit(act, *each) for each in arguments]
    for future in futures:
        future.result()


def _meet(run: Run, member: Member) -> None:
    """Connect, and ask a host what it is and what it has begun; changes nothing."""
    try:
        host = member.machine.reconnect()
    except HostError as error:
        member.fail("unreachable", error)
        return
    try:
        member.facts = host_facts.gather(host)
        unmet = host_facts.unmet(run.experiment.hosts.needs, member.facts)
        if unmet:
            member.fail("left out", HostError("\n".join(f"{host.name}: {need}" for need in unmet)))
        elif run.resumed:
            member.begun = _begun(run, host)
    except HostLost as error:
        member.fail("lost", error)
    except HostError as error:
        member.fail("failed", error)


def _begun(run: Run, host: Host) -> tuple[str, ...]:
    folder = HostFolder(host, root=needs_root(run.experiment))
    if not folder.exists():
        return ()
    folder.install_scripts()
    runner = folder.runner()
    at_work = runner.block.rpartition("/")[2] if runner else ""
    prefix = f"{run.name}-"
    names = sorted(folder.blocks(), key=lambda name: name != at_work)
    return tuple(name.removeprefix(prefix) for name in names if name.startswith(prefix))


def _leave_out_the_unlike(run: Run, fleet: Sequence[Member]) -> None:
    """Cells are shared by hosts that are alike, and by no others."""
    met = {member.name: member.facts for member in fleet if member.facts and member.error is None}
    if not met:
        return
    kernels = not run.provider.boots_kernels
    first = reference_host(met, kernels=kernels)
    for member in fleet:
        if member.name in met:
            found = differences(met[first], met[member.name], kernels=kernels)
            if found:
                told = "; ".join(found)
                member.fail(
                    "left out", HostError(f"{member.name}: not like {first} and those like it: {told}")
                )


def _work_queue(run: Run, able: Sequence[Member], shares: bool) -> WorkQueue:
    if not shares:
        return ReplicaQueue(run.plan, run.has_left)
    begun = {member.name: [run.plan.named(name) for name in member.begun] for member in able}
    known = {name: [block for block in blocks if block and block.shard] for name, blocks in begun.items()}
    return ShardQueue(run.plan, run.has_left, len(able), known)


def _work(run: Run, member: Member, work_queue: WorkQueue) -> None:
    """The life of one host: it runs what it is dealt until there is nothing left, or something goes wrong."""
    name = member.name
    try:
        while block := work_queue.take(name, lambda: bool(run.stop.level)):
            BlockRun(run, member.machine, block, partial(work_queue.more, name, block)).execute()
    except Interrupted as error:
        member.fail("stopped", error)
    except HostLost as error:
        member.fail("lost", error)
    except OrchestratorError as error:
        member.fail("failed", error)
    except BaseException:
        run.stop.request(signal.SIGTERM)  # a defect of ours: the others end in order
        raise
    finally:
        work_queue.give_back(name)
        run.let_go(member.machine)
        member.machine.close()


def _tell(run: Run, fleet: Sequence[Member]) -> None:
    """Write down what became of each host, and say so."""
    width = max(len(member.name) for member in fleet)
    for member in fleet:
        reason = str(member.error or "").replace(f"{member.name}: ", "").replace("\n", "; ")
        trials = run.ended_on[member.name]
        run.journal.append(HostRecord(member.name, member.fate, trials, reason, utc_now()))
        line = f"{member.name:{width}}  {member.fate:11}  {trials:5} trials  {reason}"
        run.observer.note(line.rstrip())


def _missing(run: Run) -> Iterator[str]:
    """What is still to be run, cell by cell: some for the user's eyes, all for the log."""
    cells: Counter[str] = Counter()
    for block in run.plan.blocks():
        for trial in run.pending(block):
            cells[", ".join(f"{key}={level.text}" for key, level in trial.cell.levels.items())] += 1
    if not cells:
        return
    lines = [f"missing: {cell or 'the only cell'}: {plural(count, 'trial')}" for cell, count in cells.items()]
    for line in lines:
        log.info("%s", line)
    yield (
        f"not complete: {cells.total()} of {run.plan.trial_count} trials are missing, in "
        f"{plural(len(cells), 'cell')}; the same command carries the run on"
    )
    yield from lines[:CELLS_SHOWN]
    if len(lines) > CELLS_SHOWN:
        yield f"missing: {plural(len(lines) - CELLS_SHOWN, 'more cell')}; {run.folder}/orchestrate.log names them all"
