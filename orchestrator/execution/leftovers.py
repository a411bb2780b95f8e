"""What an earlier controller of a run has left on a host, after the last trial had its record."""

from __future__ import annotations

from orchestrator.execution.rights import needs_root
from orchestrator.execution.run import Run
from orchestrator.execution.visit import Visit
from orchestrator.hosts.base import Machine
from orchestrator.hosts.remote.folder import HostFolder


def clean_up(run: Run, machine: Machine) -> None:
    """Restore the host of a resumed run, and remove the blocks that are complete: nobody else would visit it for them.

    Takes the lock, also one that is all there is: :meth:`Run.let_go` removes it and boots the machine's own kernel, if
    another one was left running. ``HostError`` if the host cannot be
    reached, or not be restored; the run is not complete then.
    """
    if not run.resumed or run.provider.creates_hosts:
        return
    folder = run.held(machine.name)
    if folder is None:
        folder = HostFolder(machine.reconnect(), root=needs_root(run.experiment))
        if not folder.exists():
            return
        folder.install()
        run.hold(machine.name, folder)
        machine.take_over()
    prefix = f"{run.name}-"
    for name in folder.blocks():
        block = run.plan.find_block(name.removeprefix(prefix)) if name.startswith(prefix) else None
        if block is not None and not any(True for _ in run.pending(block)):
            visit = Visit(folder.host, run.experiment, name)
            visit.stop(now=True)
            visit.restore()
            visit.clean()
