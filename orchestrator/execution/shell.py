"""``orchestrate shell``: a session on the host of an experiment, as a trial finds it; restored afterwards."""

from __future__ import annotations

import contextlib
import os
import shlex
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from msgspec import Struct

from orchestrator.activities import doing
from orchestrator.environments import Clock, Environment, clock_of
from orchestrator.errors import BadInput, HostLost, KernelError, OrchestratorError
from orchestrator.execution import needs, outcome
from orchestrator.execution.launch import UserInterface
from orchestrator.execution.provider_checks import check_changes
from orchestrator.execution.visit import Visit
from orchestrator.experiment.model import Experiment, Kernel
from orchestrator.hosts import facts as host_facts
from orchestrator.hosts import instruction_clock, terminal_session
from orchestrator.hosts.base import Host, Machine
from orchestrator.hosts.command import Command, script
from orchestrator.hosts.provider import Provider
from orchestrator.hosts.remote import lock
from orchestrator.kernels.obtain import obtain
from orchestrator.kernels.verification import Identity, verify
from orchestrator.nearest import did_you_mean
from orchestrator.plan import Plan
from orchestrator.units import plural

MARK = "ORCHESTRATE_SHELL"
"""A variable that the processes of a session have, so that those which it leaves running are found."""

ENTER = f"""
cd "$1" || exit 1
clock=$2 mark=$3
shift 3
exec env -i HOME="${{HOME:-/}}" PATH="$PATH" LC_ALL=C LANG=C ORCHESTRATE_CLOCK="$clock" {MARK}="$mark" \
    ${{TERM:+TERM="$TERM"}} "$@"
"""
"""Gives a command the environment of a trial, and the terminal's name. Arguments: directory, clock, mark, command."""

INTERACTIVE = """
[ -t 0 ] || exec sh
export PS1="$1" HISTFILE=/dev/null
! command -v bash >/dev/null 2>&1 || exec bash --noprofile --norc -i
! command -v busybox >/dev/null 2>&1 || exec busybox ash -i
exec sh -i
"""
"""A shell, with a line editor if the host has one; without a terminal one that reads commands. Argument: prompt."""

END = f"""
tries=0
while pids=$(grep -lF "{MARK}=$1" /proc/[0-9]*/environ 2>/dev/null | cut -d / -f 3) && [ -n "$pids" ]; do
    kill -9 $pids 2>/dev/null
    [ "$((tries += 1))" -lt 20 ] || break
    sleep 0.1
done
exit 0
"""
"""Ends what has the mark, again while something has: a process may start another before it is killed."""


class ShellRequest(Struct, frozen=True):
    """A session.

    :ivar kernel: name of the kernel; empty: the first one.
    :ivar words: the command and its arguments; empty: a shell.
    :ivar cache: the cache directory of the controller.
    """

    experiment: Experiment
    provider: Provider
    kernel: str
    words: Sequence[str]
    cache: Path


def open_shell(request: ShellRequest, interface: UserInterface) -> int:
    """Prepare a host, run the command there, restore the host; return the exit code of the command.

    Raises what a run would raise before its first trial.
    """
    experiment, provider = request.experiment, request.provider
    kernel = _kernel(experiment, request.kernel)
    if provider.batch is not None or provider.rents:
        what = "runs blocks as jobs" if provider.batch is not None else "rents machines for a run"
        raise BadInput(
            f"the {provider.name} provider {what}, and a session has none; name a host with --host, or use --provider "
            "qemu for a guest on this machine"
        )
    check_changes(experiment, provider)
    if kernel.recipe is not None:
        with interface.building(f"kernel {kernel.name}") as say:
            obtain(provider.kernel(kernel), say)
    with (
        terminal_session.ending_on_signals(_not_restored(provider)) as signals,
        tempfile.TemporaryDirectory() as logs,
    ):
        cleanup = contextlib.ExitStack()
        try:
            try:
                machine = cleanup.enter_context(provider.machine(Path(logs)))
                code = _Session(request, machine, kernel, interface.say, cleanup, signals).run()
            finally:
                signals.hold()  # a signal that comes before raises here, and no other does
        except OrchestratorError as error:
            _close_after(error, cleanup)
            raise
        except BaseException:
            cleanup.close()
            raise
        cleanup.close()
        return code


def _close_after(error: OrchestratorError, cleanup: contextlib.ExitStack) -> None:
    """Restore all after an error; what cannot be restored is added to its message."""
    try:
        cleanup.close()
    except OrchestratorError as another:
        error.args = ("\n".join([*error.lines, *another.lines]),)


def _not_restored(provider: Provider) -> str:
    if provider.creates_hosts:
        return "the guest ends with this program"
    hosts = shlex.join(provider.candidates or (provider.name,))
    return f"settings may still be changed; to restore them: orchestrate hosts restore {hosts}"


def _kernel(experiment: Experiment, name: str) -> Kernel:
    names = [kernel.name for kernel in experiment.kernels]
    if name and name not in names:
        raise BadInput(f"no kernel {name!r} in the experiment; {did_you_mean(name, names)}")
    return experiment.kernels[names.index(name) if name else 0]


class _Session:
    """One session on a machine; what it changes is put on ``cleanup``, which restores it."""

    def __init__(
        self,
        request: ShellRequest,
        machine: Machine,
        kernel: Kernel,
        say: Callable[[str], None],
        cleanup: contextlib.ExitStack,
        signals: terminal_session.Signals,
    ) -> None:
        self._request = request
        self._experiment = request.experiment
        self._machine = machine
        self._kernel = kernel
        self._say = say
        self._cleanup = cleanup
        self._signals = signals
        self._mark = f"{os.getpid()}-{os.urandom(4).hex()}"
        self._is_locked = False

    def run(self) -> int:
        """Return the exit code of the command."""
        with doing(self._machine.name, "preparing") as activity:
            identity, visit = self._boot()
            programs = Plan(self._experiment).programs
            facts = self._facts(visit, identity, programs)
            environment = self._environment(visit.host, facts)
            activity.change("applying roles and settings")
            settings = self._provision(visit, facts, programs)
        self._announce(visit, facts.release, environment, settings)
        terminal = terminal_session.has_terminal()
        line = visit.host.prepare(self._command(visit, clock_of(environment))).line
        return terminal_session.run(visit.host.session(line, terminal=terminal))

    def _boot(self) -> tuple[Identity, Visit]:
        """Lock and boot the machine; return what the running kernel is compared with, and the visit."""
        machine = self._machine
        if machine.files_survive_boot:  # others may use it: before it is rebooted
            visit = self._visit(machine.reconnect())
            self._lock(visit)
            visit.check_free()
        identity = machine.identity(self._kernel)
        with doing("", "booting" if self._request.provider.boots_kernels else "connecting"):
            host = machine.boot(self._kernel)
        visit = self._visit(host)
        if not self._is_locked:
            self._lock(visit)
        visit.check_free()
        return identity, visit

    def _facts(self, visit: Visit, identity: Identity, programs: Sequence[str]) -> host_facts.Facts:
        """Gather facts; refuse what a run would refuse by them."""
        host, machine = visit.host, self._machine
        facts = host_facts.gather(host)
        needs.require(
            host.name,
            self._experiment,
            self._request.provider,
            facts,
            machine.differences(facts),
            lambda: visit.refusals(programs),
        )
        mismatches = verify(identity, facts, frozenset()).mismatches
        if mismatches:
            raise KernelError(f"{host.name}: {outcome.wrong_kernel_reason(self._kernel.name, mismatches)}")
        return facts

    def _provision(self, visit: Visit, facts: host_facts.Facts, programs: Sequence[str]) -> int:
        """Apply roles and tuning; return the number of settings."""
        machine = self._machine
        visit.restore()
        self._cleanup.callback(self._leave, visit)
        visit.host.mark = f"{MARK}={self._mark}"  # Ctrl-C ends us, and no command over SSH
        try:
            visit.provision(self._request.cache, facts.document, machine.variables, machine.groups)
        finally:
            visit.host.mark = ""
        visit.find_programs(programs)
        settings = visit.tune(self._kernel.name if len(self._experiment.kernels) > 1 else "")
        visit.check_placement()
        return len(settings)

    def _visit(self, host: Host) -> Visit:
        visit = Visit(host, self._experiment, f"shell-{self._mark}")
        visit.install()
        return visit

    def _lock(self, visit: Visit) -> None:
        def unlock() -> None:
            visit.ours.host = self._machine.restore_kernel() or visit.ours.host
            lock.release(visit.ours, holder, ends=self._request.provider.creates_hosts)

        with self._signals.deferred():  # else the lock may be there, and nobody knows that it is ours
            holder = lock.take(visit.ours, f"shell, process {self._mark}")
            self._is_locked = True
            self._cleanup.callback(unlock)

    def _environment(self, host: Host, facts: host_facts.Facts) -> Environment:
        """Return what the machine is, as a run would record it."""
        if self._machine.environment is not None:
            return self._machine.environment
        environment = host_facts.environment(facts)
        is_counting = environment is Environment.VM_ICOUNT and instruction_clock.is_seen(host)
        return Environment.VM_TCG if environment is Environment.VM_ICOUNT and not is_counting else environment

    def _announce(self, visit: Visit, release: str, environment: Environment, settings: int) -> None:
        cpus = f", CPUs {self._experiment.tuning.cpus}" if self._experiment.tuning.cpus else ""
        parts = [
            f"kernel {self._kernel.name}: {release}",
            f"{environment}, clock: {clock_of(environment)}",
            f"tuning: {plural(settings, 'setting')}{cpus}",
            visit.trial_folder,
        ]
        if not self._request.words:
            parts.append("to leave: exit or Ctrl-D")
        self._say(f"{visit.host.name}: {'; '.join(parts)}")

    def _command(self, visit: Visit, clock: Clock) -> Command:
        words = self._request.words or ("sh", "-c", INTERACTIVE, "sh", f"{self._experiment.name}$ ")
        return script(
            ENTER, visit.trial_folder, clock, self._mark, *visit.prefix, *words, sudo=visit.ours.sudo
        )

    def _leave(self, visit: Visit) -> None:
        """End what the session has left running, and restore the settings; a guest has an end anyway."""
        if self._request.provider.creates_hosts:
            return
        try:
            self._restore(visit)
        except HostLost:  # the connection was idle for as long as the session took
            visit.host = visit.ours.host = self._machine.reconnect()
            self._restore(visit)

    def _restore(self, visit: Visit) -> None:
        visit.host.run(script(END, self._mark, sudo=visit.ours.sudo))
        visit.restore()
        visit.clean()
        with contextlib.suppress(OSError):  # a terminal that was closed
            self._say(f"{visit.host.name}: settings restored")
