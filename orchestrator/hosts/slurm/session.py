"""One run on a Slurm cluster: a node to prepare on, job arrays, and what became of them."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.resources import files

from orchestrator.errors import HostError, Interrupted
from orchestrator.hosts.base import Host
from orchestrator.hosts.batch import BatchSession, JobArray, JobState, Task
from orchestrator.hosts.command import Command, script
from orchestrator.hosts.remote.folder import Scripts
from orchestrator.hosts.slurm import commands
from orchestrator.hosts.slurm.commands import call, job_name
from orchestrator.hosts.slurm.node import SlurmNode
from orchestrator.hosts.slurm.node_storage import SCRIPTS as NODE_SCRIPTS
from orchestrator.hosts.slurm.node_storage import NodeStorage
from orchestrator.hosts.slurm.options import DEFAULT_NODE_DIRECTORY, SlurmOptions
from orchestrator.hosts.slurm.states import next_step
from orchestrator.hosts.slurm.storage import SAFE, SharedStorage, SlurmStorage

SIGNAL_BEFORE_END_S = 60
"""The job gets TERM so long before its time limit, to end the trial and restore settings."""

HOLD = SAFE + (
    "trap : TERM; "  # of scancel: it ends cat, and what follows is still done
    'echo "@ready $SLURM_JOB_ID $SLURMD_NODENAME"; cat >/dev/null; '
    "trap '' TERM; "  # it goes to all processes of the job
    'safe "$2" || set -- "$1"; '
    'for run; do [ ! -e "$run/settings.record" ] || sh "$run/bin/runner.sh" settings restore "$run"; done; '
    '[ $# -eq 1 ] || [ ! -e "$2/on_node" ] || rm -rf "$2"'
)
"""Holds a node until the end of its input, which comes with the end of the controller however that ends.

Its arguments are the run's directories: on storage that the nodes may share, and on the disk of the node."""

SUBMIT = """
cd "$1" || exit 1
shift
if ! (set -C && : >job) 2>/dev/null; then
    echo "sbatch: error: another command has submitted these jobs" >&2
    exit 1
fi
id=$("$@") || { code=$?; rm -f job; exit "$code"; }
printf '%s\\n' "${id%%;*}" >job && cat job
"""
"""Runs ``sbatch --parsable`` once for each job array, whichever controllers try to."""


class SlurmSession(BatchSession):
    """See :class:`~orchestrator.hosts.batch.BatchSession`.

    :param connect: connects to the login host.
    """

    scripts = Scripts(
        {
            "job.sh": (files(__package__) / "job.sh").read_bytes(),
            "facts.sh": (files("orchestrator.hosts") / "facts.sh").read_bytes(),
            **NODE_SCRIPTS,
        }
    )

    storage: SlurmStorage
    node_key = "slurm.node"
    directory_option = "hosts.slurm.directory"

    def __init__(self, connect: Callable[[], Host], options: SlurmOptions, run: str) -> None:
        self.login = connect()
        self._connect = connect
        self._options = options
        self._run = run
        self._jobs: dict[int, str] = {}
        commands.check_commands(self.login)
        self._configuration = commands.configuration(self.login)
        home = 'id -u; case $1 in "~"/*) printf "%s/%s" "$HOME" "${1#??}" ;; *) printf %s "$1" ;; esac'
        user, _, directory = self.login.run(script(home, options.directory)).stdout.partition("\n")
        self.folder = f"{directory if self.login.executes else options.directory}/{run}"
        on_nodes = options.node_directory or f"{DEFAULT_NODE_DIRECTORY}-{user or 'UID'}"
        self._own_folder = f"{on_nodes}/{run}"
        self.storage = SharedStorage(self.folder)

    def open_storage(self, node: Host, files: Mapping[str, bytes]) -> None:
        """See :meth:`BatchSession.open_storage`; ``HostError`` where hosts.slurm.shared is wrong."""
        path = f"{self.folder}/bin/runner.sh"
        shared = self._options.shared
        if shared is not False and not node.run(script('test -r "$1"', path, accept=(0, 1))).exit_code:
            return
        if shared:
            raise HostError(
                f"{node.name}: {self.folder}: No such file or directory, but it exists on {self.login.name}; "
                f"set {self.directory_option} to a directory that the nodes and {self.login.name} share, "
                "or leave out hosts.slurm.shared"
            )
        self.storage = self._node_storage()
        self.storage.fill(node, files)

    def resume_storage(self, shared: bool) -> None:
        """See :meth:`BatchSession.resume_storage`."""
        if not shared:
            self.storage = self._node_storage()

    def _node_storage(self) -> NodeStorage:
        parameters = self._configuration.get("SchedulerParameters", "")
        words = self._options.words
        return NodeStorage(lambda: self.login, self._run, self.folder, self._own_folder, words, parameters)

    def reconnect(self) -> None:
        """See :meth:`BatchSession.reconnect`."""
        self.login.close()
        self.login = self._connect()

    def array_limit(self) -> int:
        """See :meth:`BatchSession.array_limit`; ``MaxArraySize`` is one more than the greatest index."""
        limit = self._configuration.get("MaxArraySize", "")
        return max(1, int(limit)) if limit.isdigit() else 1000

    @contextmanager
    def hold_node(
        self, minutes: int, kernel: str, is_stopped: Callable[[], bool], note: Callable[[str], None]
    ) -> Iterator[Host]:
        """See :meth:`BatchSession.hold_node`. The job ends with this process, however that ends."""
        name = job_name(self._run, "prepare")
        call(self.login, "scancel", "--me", f"--name={name}")
        words = self._options.job_options(minutes)
        argv = (
            "srun",
            f"--job-name={name}",
            "--chdir=/",
            *words,
            "--ntasks=1",
            *self._hold(kernel),
        )
        output = self.login.lines(Command(argv))
        try:
            yield self._wait_for_node(output, name, is_stopped, note)
        finally:
            output.close()  # type: ignore[attr-defined]
            with contextlib.suppress(HostError):
                call(self.login, "scancel", "--me", f"--name={name}")

    def _wait_for_node(
        self,
        output: Iterator[str | None],
        name: str,
        is_stopped: Callable[[], bool],
        note: Callable[[str], None],
    ) -> SlurmNode:
        """Wait for the line that the job prints once it runs; ``HostError`` if srun ends or the job can never start."""
        if not self.login.executes:
            next(output, None)  # prints the command
            return self._node("NODE", "JOB")
        printed: list[str] = []
        seen = None
        next_look = time.monotonic() + self._options.poll
        for line in output:
            if line is not None and line.startswith("@ready "):
                job, _, node = line.removeprefix("@ready ").partition(" ")
                return self._node(node, job)
            if line is not None and line.startswith("@failed "):
                raise HostError(line.removeprefix("@failed "))
            if line is not None and line.startswith("@note "):
                note(line.removeprefix("@note "))
            elif line is not None:
                printed.append(line)
            if is_stopped():
                raise Interrupted("stopped while waiting for a node")
            if time.monotonic() > next_look:
                next_look = time.monotonic() + self._options.poll
                before = seen
                seen = next(
                    (state for _, _, state in commands.queue_lines(self.login, f"--name={name}")), None
                )
                if seen and before and seen.obstacle and seen.obstacle == before.obstacle:
                    raise HostError(f"{self.login.name}: the job will never start: {seen.obstacle}")
                if seen and seen.reason and (before is None or seen.reason != before.reason):
                    note(f"waiting: {seen.reason}")
        error = commands.error_of("\n".join(text for text in printed if "queued and waiting" not in text))
        raise HostError(f"{self.login.name}: srun: {next_step(error)}")

    def submit(self, array: JobArray) -> str:
        """See :meth:`BatchSession.submit`."""
        options = self._options
        at_once = f"%{options.max_jobs}" if options.max_jobs else ""
        folder = f"{self.folder}/jobs/{array.number}"
        sbatch = (
            "sbatch",
            "--parsable",
            f"--job-name={job_name(self._run, str(array.number))}",
            f"--array=0-{array.tasks - 1}{at_once}",
            *((f"--dependency=afterany:{array.after}",) if array.after else ()),
            "--no-requeue",
            f"--signal=B:TERM@{SIGNAL_BEFORE_END_S}",
            *options.job_options(array.minutes, array.kernel, array.node),
            *self.storage.batch_script(array),
        )
        job = call(
            self.login,
            "flock",
            f"{self.folder}/lock",
            "sh",
            "-c",
            SUBMIT,
            "sh",
            folder,
            *sbatch,
            name="sbatch",
        ).strip()
        if not job and self.login.executes:
            raise HostError(f"{self.login.name}: sbatch: no job id in the output")
        return job or "JOB"

    def active(self) -> Mapping[Task, JobState]:
        """See :meth:`BatchSession.active`."""
        return commands.queue(self.login, self._run)

    def final_states(self, tasks: Iterable[Task]) -> Mapping[Task, JobState]:
        """See :meth:`BatchSession.final_states`: what ``squeue`` still knows, and what ``sacct`` knows."""
        wanted = set(tasks)
        for array in {task.array for task in wanted} - self._jobs.keys():
            self._jobs[array] = self.read(f"jobs/{array}/job").strip()
        jobs = sorted({self._jobs[task.array] for task in wanted} - {""})
        ended = commands.queue(self.login, self._run, "--states=all")
        known = commands.accounting(self.login, self._run, jobs) | ended
        return {task: state for task, state in known.items() if task in wanted}

    def cancel(self) -> None:
        """See :meth:`BatchSession.cancel`."""
        jobs = {line[0].partition("_")[0] for line in commands.queue_lines(self.login) if self._owns(line[1])}
        if jobs:
            call(self.login, "scancel", *sorted(jobs))

    def cancel_command(self, jobs: Sequence[str]) -> str:
        """See :meth:`BatchSession.cancel_command`."""
        return f"scancel {' '.join(jobs)}"

    def _hold(self, kernel: str) -> tuple[str, ...]:
        """Return the command that holds a node. It prints ``@ready JOB NODE``, before that ``@note`` or ``@failed``.

        :param kernel: name of the kernel that a guest is booted with, where jobs boot guests.
        """
        return ("sh", "-c", HOLD, "sh", self.folder, self._own_folder)

    def _node(self, name: str, job: str) -> SlurmNode:
        """Return the host that a job holds."""
        return SlurmNode(name, self.login, job)

    def _owns(self, name: str) -> bool:
        return name.startswith(job_name(self._run, ""))
