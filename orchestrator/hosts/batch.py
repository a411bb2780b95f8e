"""Interface of batch systems: a cluster that runs each block as a job of its own, with or without the controller."""

from __future__ import annotations

import io
import sys
import tarfile
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import ClassVar, Literal

from msgspec import Struct
from msgspec.structs import replace

from orchestrator.errors import HostError
from orchestrator.experiment.model import Kernel
from orchestrator.hosts.base import Host
from orchestrator.hosts.command import MOST_OF_FILE, script
from orchestrator.hosts.facts_model import Facts
from orchestrator.hosts.remote.folder import Scripts
from orchestrator.kernels.obtain import identity_of, obtain
from orchestrator.kernels.verification import Identity

UPLOAD_LIMIT_S = 600.0
ALL_CODES = tuple(range(256))

Outcome = Literal["waiting", "running", "retry", "blame", "stop"]
"""What a state of a job means for its block. ``waiting``, ``running``: it is in the queue. ``retry``: it is over, and
another one runs what is left. ``blame``: the same, and the trial that was running may be the cause. ``stop``:
someone ended it on purpose, so it is not submitted again."""


class Task(Struct, frozen=True, order=True):
    """One block in the queue: a task of the job array with the number ``array``, counted from 0 within the run."""

    array: int
    index: int

    @property
    def path(self) -> str:
        """Its directory below the run's directory."""
        return f"jobs/{self.array}/{self.index}"


class JobState(Struct, frozen=True):
    """What the scheduler says about a task.

    :ivar words: the state as a sentence without a subject, such as "its node went down".
    :ivar obstacle: why the job can never start, with the next step; empty if it can.
    :ivar reason: the scheduler's word or sentence for why it waits, unless that is usual.
    :ivar is_ending: the job has ended, and its node is being cleaned up.
    """

    outcome: Outcome
    words: str
    job: str = ""
    node: str = ""
    obstacle: str = ""
    reason: str = ""
    is_ending: bool = False


class JobArray(Struct, frozen=True):
    """Blocks to submit as one job array; its files are in ``jobs/NUMBER/`` below the run's directory.

    :ivar kernel: the kernel of all its blocks.
    :ivar minutes: time limit of each job.
    :ivar node: run all of them on this node; empty: on any.
    :ivar after: id of the job array that must have ended before; empty: none.
    :ivar root: whether the jobs change settings of their nodes.
    """

    number: int
    tasks: int
    kernel: str
    minutes: int
    node: str = ""
    after: str = ""
    root: bool = False


class Storage(ABC):
    """The run's directory as the nodes see it: the one of the login host, or one on the disk of each node.

    :ivar folder: its absolute path on the nodes.
    :ivar shared: whether the login host sees the same directory.
    :ivar trials_limit: greatest size of all ``trials`` files of a job array, in bytes.
    """

    folder: str
    shared: ClassVar[bool]
    trials_limit: int = sys.maxsize

    @abstractmethod
    def keep(self, node: Host) -> None:
        """Keep what was built below :attr:`folder` on this node, for the jobs."""

    @abstractmethod
    def collect(self, running: Mapping[Task, JobState], ended: Mapping[Task, JobState]) -> set[Task]:
        """Bring what jobs have written to the login host; return those of ``ended`` for which that goes on.

        :param running: tasks with a running job.
        :param ended: tasks that are not in the queue, with what is known of them.
        """

    @abstractmethod
    def clean(self) -> list[str]:
        """Remove :attr:`folder` from nodes where jobs have left it; return the nodes where it stays."""


class BatchSession(ABC):
    """A batch system as one run uses it. All errors are :class:`~orchestrator.errors.HostError`.

    :ivar login: the connected host where the commands of the batch system run.
    :ivar folder: the run's directory on ``login``, absolute.
    :ivar storage: the same directory as the nodes see it.
    :cvar scripts: what its jobs need below ``bin/``, beside the runner.
    :cvar node_key: the key of the line ``KEY=NAME`` in ``place``, by which a job tells its node.
    :cvar journal_survives_node: whether all that a job's journal had is there when its node has died.
    :cvar directory_option: the option of the experiment file that sets where ``folder`` is, for messages.
    """

    login: Host
    folder: str
    storage: Storage
    scripts: ClassVar[Scripts]
    node_key: ClassVar[str]
    directory_option: ClassVar[str]
    journal_survives_node: ClassVar[bool] = True

    @abstractmethod
    def reconnect(self) -> None:
        """Connect to the login host again."""

    @abstractmethod
    def hold_node(
        self, minutes: int, kernel: str, is_stopped: Callable[[], bool], note: Callable[[str], None]
    ) -> AbstractContextManager[Host]:
        """Allocate one node for the length of the context; commands of the host run there.

        Raises ``Interrupted`` if ``is_stopped`` becomes true while it waits for the node.

        :param kernel: name of the kernel that a guest is booted with, where jobs boot guests.
        :param note: called with why it waits, if the reason is unusual.
        """

    def send_kernels(self, kernels: Sequence[Kernel]) -> None:
        """Copy what jobs need to boot these kernels; nothing where the batch system boots them, or nobody does."""
        return

    def differences(self, facts: Facts) -> list[str]:
        """Return how a node differs from what the file asks for, one message each."""
        return []

    @abstractmethod
    def open_storage(self, node: Host, files: Mapping[str, bytes]) -> None:
        """Find out whether the nodes share :attr:`folder`; if not, write the files on this node. Sets :attr:`storage`.

        :param files: by path below the run's directory, as :meth:`upload` has written them.
        """

    @abstractmethod
    def resume_storage(self, shared: bool) -> None:
        """Set :attr:`storage` as :meth:`open_storage` did for an earlier controller."""

    @abstractmethod
    def submit(self, array: JobArray) -> str:
        """Submit a job array whose files are in place and return the id of its job. Never submits a number twice."""

    @abstractmethod
    def active(self) -> Mapping[Task, JobState]:
        """Return the run's tasks that are in the queue, by one call."""

    @abstractmethod
    def final_states(self, tasks: Iterable[Task]) -> Mapping[Task, JobState]:
        """Return what became of tasks that are not in the queue; those that the scheduler has forgotten are missing."""

    @abstractmethod
    def cancel(self) -> None:
        """Cancel all jobs of the run."""

    @abstractmethod
    def cancel_command(self, jobs: Sequence[str]) -> str:
        """Return the command by which users cancel these jobs, for messages."""

    @abstractmethod
    def array_limit(self) -> int:
        """Return the greatest number of tasks of a job array."""

    def upload(self, files: Mapping[str, bytes]) -> None:
        """Write files, by path below :attr:`folder`, in one transfer."""
        if not self.login.executes:
            for path, content in files.items():
                target = f"{self.folder}/{path}"
                if path.startswith("bin/"):
                    self.login.put(content, target, _mode(path))
                else:  # what it is made of is shown
                    self.login.run(script('cat > "$1"', target, stdin=content))
            return
        unpack = 'mkdir -p "$1" && cd "$1" && tar -x -o -f -'
        command = script(unpack, self.folder, stdin=pack(files), time_limit=UPLOAD_LIMIT_S, accept=ALL_CODES)
        done = self.login.run(command)
        if done.exit_code:
            reason = (done.stderr.strip() or f"exit code {done.exit_code}").splitlines()[-1]
            raise HostError(
                f"{self.login.name}: cannot write to {self.folder}: {reason}; "
                f"set {self.directory_option} to a writable directory"
            )

    def read(self, path: str) -> str:
        """Return the content of a file below :attr:`folder`; empty if there is none."""
        shown = script('[ ! -e "$1" ] || cat "$1"', f"{self.folder}/{path}")
        return self.login.run(replace(shown, most=MOST_OF_FILE)).stdout

    def remove(self) -> None:
        """Remove the run's directory."""
        self.login.run(script('rm -rf "$1"', self.folder, time_limit=UPLOAD_LIMIT_S))


def pack(files: Mapping[str, bytes]) -> bytes:
    """Return a tar archive of files, by path."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        for path, content in files.items():
            entry = tarfile.TarInfo(path)
            entry.size, entry.mode = len(content), _mode(path)
            archive.addfile(entry, io.BytesIO(content))
    return packed.getvalue()


def _mode(path: str) -> int:
    if path.startswith("guest/"):  # keys
        return 0o600
    return 0o755 if path.startswith("bin/") else 0o644


class BatchSystem(ABC):
    """A batch system that a provider has set up.

    :ivar features: the node feature that boots a kernel, by the kernel's name.
    :ivar guest: whether jobs boot guests, each with the kernel of its block.
    :ivar max_jobs: greatest number of jobs that run at once; 0: no limit.
    :ivar time_limit: seconds that a job may take; 0: from the plan.
    :ivar poll: seconds between two looks at the queue.
    :ivar lost_after: seconds without the job in the queue and without a new line of its journal.
    """

    features: Mapping[str, str]
    guest: bool = False
    max_jobs: int
    time_limit: float
    poll: float
    lost_after: float

    @property
    def boots_kernels(self) -> bool:
        """Whether kernels are booted for jobs."""
        return self.guest or bool(self.features)

    def identity(self, kernel: Kernel) -> Identity:
        """Return what the running kernel is compared with; the default kernel of guests is known."""
        return obtain(kernel).identity if self.guest else identity_of(kernel)

    @abstractmethod
    def session(self, run: str) -> AbstractContextManager[BatchSession]:
        """Connect, and find the directory of the run with this id."""

    @abstractmethod
    def describe(self, kernels: Iterable[str]) -> list[str]:
        """Return lines about the site: version, partitions, nodes, and which kernels can run.

        :param kernels: names of an experiment's kernels; empty without an experiment.
        """

    @abstractmethod
    def printing(self, print_line: Callable[[str], None]) -> BatchSystem:
        """Return the same system, of which every command is printed and none executed."""

    @abstractmethod
    def try_jobs(self, kernels: Iterable[str], minutes: int) -> list[str]:
        """Ask whether jobs would be accepted, without submitting any; return a line for each kernel.

        ``HostError`` for what the batch system refuses, in one line.

        :param minutes: time limit of each job.
        """
