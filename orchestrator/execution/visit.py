"""One visit to a host: all that the controller does there between connecting and disconnecting.

Everything is a command as data, given to :class:`~orchestrator.hosts.base.Host`. A dry run gives the same commands to a
host that prints them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from copy import copy
from itertools import islice
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from orchestrator.environments import Clock
from orchestrator.errors import BadInput, HostError, HostLost, OrchestratorError
from orchestrator.execution import placement, trial_file
from orchestrator.execution.rights import needs_root
from orchestrator.experiment.model import Experiment, Role
from orchestrator.hosts.base import Host
from orchestrator.hosts.command import MOST_OF_FILE, Command, script
from orchestrator.hosts.remote.folder import HostFolder
from orchestrator.hosts.remote.runner_program import RunnerProgram
from orchestrator.hosts.remote.settings import encode_settings, parse_changes
from orchestrator.plan.model import Trial
from orchestrator.provision.bounds import TooMuch, bounded
from orchestrator.provision.engine import run_role
from orchestrator.provision.loading import load
from orchestrator.provision.module import TaskResult
from orchestrator.provision.target import Target

UPLOAD_LIMIT_S = 600.0
TRIALS_A_PIECE = 2000

NO_PROGRAM = 3
"""Exit code of ``program.sh`` where there is no such program."""


class Visit:
    """A connected host, our folder on it, and the folder of one block in that.

    :param base: our folder on the host; empty: at the usual place.
    :ivar ours: our folder on the host.
    :ivar base: our folder on the host; root's where settings are to be changed, else the user's.
    """

    def __init__(self, host: Host, experiment: Experiment, block_name: str, base: str = "") -> None:
        self.host = host
        self._experiment = experiment
        self.ours = HostFolder(host, root=needs_root(experiment), base=base)
        self._sudo = self.ours.sudo
        self.base = self.ours.base
        self.folder = f"{self.base}/blocks/{block_name}"

    def of(self, block_name: str) -> Visit:
        """Return the same visit with the folder of another block."""
        other = copy(self)
        other.folder = f"{self.base}/blocks/{block_name}"
        return other

    def install(self) -> RunnerProgram:
        """Put the runner and the scripts in place; return the runner."""
        return self.ours.install()

    def runner_is_running(self) -> bool:
        """Whether a runner is running our block: an earlier controller may have left one."""
        status = self.ours.script("runner.sh", "status", self.folder)
        return self.host.run(status).stdout.strip() == "running"

    def check_free(self) -> None:
        """Refuse, before anything is changed, a host that runs another block."""
        runner = self.ours.runner()
        if runner is not None and runner.block != self.folder:
            raise HostError(runner.refusal(self.host.name))

    def provision(
        self,
        cache: Path,
        facts: Mapping[str, Any] | None = None,
        variables: Mapping[str, Any] | None = None,
        groups: tuple[str, ...] = (),
    ) -> list[TaskResult]:
        """Apply the experiment's roles; on an error restore the settings that were changed.

        :param facts: of the host, if known.
        :param variables: of the host, from the inventory; ``groups``: those it belongs to.
        """
        target = Target(self.host, self.base, cache, self._sudo, variables or {}, groups, facts)
        with self._restoring():
            return [outcome for role in self._experiment.roles for outcome in self._apply(target, role)]

    def _apply(self, target: Target, role: Role) -> list[TaskResult]:
        """Apply a role; where nothing is executed its templates may not take more than :func:`bounded` allows."""
        loaded = load(role)
        if self.host.executes:
            return list(run_role(target, loaded))
        try:
            with bounded("rendering its templates"):
                return list(run_role(target, loaded))
        except TooMuch as error:
            raise BadInput(f"{role.folder}: {error}") from None

    @contextmanager
    def _restoring(self) -> Iterator[None]:
        """Restore the settings if an error is raised, unless the connection is lost."""
        try:
            yield
        except HostLost:
            raise
        except OrchestratorError as error:
            try:
                self.restore()
            except HostError as another:
                raise HostError(*error.lines, *another.lines) from error
            raise

    def tune(self, kernel: str = "") -> dict[str, str]:
        """Record, set and read back; return the values read, by path. ``HostError`` names the settings that failed.

        :param kernel: name of the running kernel, for the message, if the experiment has several.
        """
        lines = encode_settings(self._experiment.tuning.settings)
        if not lines:
            return {}
        completed = self.host.run(
            self.ours.script("runner.sh", "settings", "apply", self.base, stdin=lines, accept=(0, 1))
        )
        changes = parse_changes(completed.stdout)
        faults = [str(change) for change in changes if change.is_error]
        if faults or completed.exit_code:
            self.restore()
            which = f" with kernel {kernel}" if kernel else ""
            raise HostError(
                f"{self.host.name}: cannot change settings{which}: {'; '.join(faults) or completed.stderr.strip()}"
            )
        return {change.path: change.in_effect for change in changes}

    def check_placement(self) -> None:
        """Restore and raise ``HostError`` if the host does not have the CPUs of ``tuning.placement``."""
        with self._restoring():
            placement.check(self.host, self._experiment.tuning)

    def refusals(self, programs: Iterable[str]) -> list[str]:
        """Return what trials lack on this host, without a change of it: programs that no role installs, and CPUs."""
        checks: list[Callable[[], object]] = [lambda: placement.check(self.host, self._experiment.tuning)]
        if not self._experiment.roles:
            checks.insert(0, lambda: self.require_programs(programs))
        refused: list[str] = []
        for check in checks:
            try:
                check()
            except HostLost:
                raise
            except HostError as error:
                refused += error.lines
        return refused

    def find_programs(self, names: Iterable[str]) -> dict[str, dict[str, str]]:
        """Return ``path``, ``sha256`` and ``package`` of the programs of trials, as far as the host reports them.

        If one is missing no trial could run: settings are restored, and ``HostError`` names it.
        """
        with self._restoring():
            return self.require_programs(names)

    def require_programs(self, names: Iterable[str]) -> dict[str, dict[str, str]]:
        """Return the same as :meth:`find_programs`; raise the same, without a change of the host."""
        prefix = self.prefix[:1]
        found = {name: self._find_program(name) for name in (*prefix, *names)}
        missing = [name for name, program in found.items() if program is None]
        if missing:
            it = "it" if len(missing) == 1 else "them"
            raise HostError(
                f"{self.host.name}: {', '.join(missing)}: command not found; install {it} with a role, or for a guest "
                f"list {it} in hosts.qemu.programs"
            )
        return {
            name: program for name, program in found.items() if program is not None and name not in prefix
        }

    def _find_program(self, name: str) -> dict[str, str] | None:
        asked = self.ours.script("program.sh", self.trial_folder, name, accept=(0, NO_PROGRAM))
        done = self.host.run(asked)
        if done.exit_code == NO_PROGRAM:
            return None
        return dict(line.split("=", 1) for line in done.stdout.splitlines() if "=" in line)

    def restore(self) -> None:
        """Restore every recorded setting of the host."""
        self.ours.restore()

    def start(self, trials: Iterable[Trial], clock: Clock) -> None:
        """Send the trials, piece by piece so that memory does not grow with them, and start the runner.

        :param clock: what the host's clock counts; trials find it in their environment.
        """
        arriving = f"{self.folder}/trials.arriving"
        lines = (self._as_sent(trial) for trial in trials)
        self.host.put(b"", arriving, sudo=self._sudo)
        while piece := trial_file.encode_trials(islice(lines, TRIALS_A_PIECE)):
            self.host.run(
                script('cat >> "$1"', arriving, sudo=self._sudo, stdin=piece, time_limit=UPLOAD_LIMIT_S)
            )
        self.host.run(Command(("mv", arriving, f"{self.folder}/trials"), self._sudo))
        self.host.run(self.ours.script("runner.sh", "start", self.base, self.folder, clock))

    def stop(self, now: bool) -> None:
        """Ask the runner to stop after the running trial, or now."""
        words = ("stop", self.folder, *(("now",) if now else ()))
        self.host.run(self.ours.script("runner.sh", *words))

    @property
    def journal(self) -> str:
        """Host and path of the host's journal of this block, for messages."""
        return f"{self.host.name}:{self.folder}/journal.jsonl"

    def journal_lines(self) -> list[str]:
        """Return the host's journal of this block so far; empty if there is none."""
        read = script('if [ -e "$1" ]; then cat "$1"; fi', f"{self.folder}/journal.jsonl", sudo=self._sudo)
        return self.host.run(replace(read, most=MOST_OF_FILE)).stdout.split("\n")

    def follow(self) -> Iterator[list[str] | None]:
        """Yield the host's journal of this block from its first line, and go on as it grows; None while silent."""
        return self.host.batches(self.ours.script("runner.sh", "follow", self.folder))

    def clean(self) -> None:
        """Remove the block's folder from the host; its records are in our journal."""
        self.host.run(Command(("rm", "-rf", self.folder), sudo=self._sudo))

    def _as_sent(self, trial: Trial) -> trial_file.HostTrial:
        return as_sent(trial, self._experiment, self.base)

    @property
    def trial_folder(self) -> str:
        """The working directory of trials."""
        return _trial_folder(self._experiment, self.base)

    @property
    def prefix(self) -> tuple[str, ...]:
        """The words before the command of each trial."""
        return _prefix(self._experiment)


def as_sent(trial: Trial, experiment: Experiment, base: str) -> trial_file.HostTrial:
    """Return a trial as the host gets it; its line of the host's journal names cell and repetition.

    :param base: our folder on the host.
    """
    tag = {"cell": trial.cell.id, "repetition": trial.repetition}
    folder = _trial_folder(experiment, base)
    return trial_file.host_trial(trial, experiment.limits, folder, tag, _prefix(experiment))


def _trial_folder(experiment: Experiment, base: str) -> str:
    role = experiment.benchmark.role
    return f"{base}/roles/{role.name}" if role else base


def _prefix(experiment: Experiment) -> tuple[str, ...]:
    """Return the words before the command of each trial."""
    cpus = experiment.tuning.cpus
    return ("taskset", "-c", cpus) if cpus else ()
