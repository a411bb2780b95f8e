"""Submits blocks: their files in one transfer, and one job array for each kernel and each thousand blocks or so."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Iterator, Sequence

from msgspec import Struct

from orchestrator.execution import trial_file
from orchestrator.execution.host_losses import HostLosses
from orchestrator.execution.jobs.attempt import BlockState
from orchestrator.execution.jobs.preparation import Prepared
from orchestrator.execution.rights import needs_root
from orchestrator.execution.run import Run
from orchestrator.execution.visit import as_sent
from orchestrator.experiment.model import Limits, Setting
from orchestrator.hosts.batch import BatchSession, BatchSystem, JobArray, Task
from orchestrator.hosts.command import script
from orchestrator.hosts.remote.settings import encode_settings
from orchestrator.plan.estimate import DEFAULT_TRIAL_S

START_S = 600.0
"""Added to the estimated time of a job."""

LIST = """
cd "$1" || exit 1
for folder in jobs/[0-9]*; do
    [ ! -e "$folder/job" ] || { echo "@${folder##*/} $(cat "$folder/job")" && cat "$folder/blocks"; }
    [ -e "$folder/job" ] || echo "@${folder##*/}"
done
"""
"""Prints "@NUMBER JOB" for each job array and the names of its blocks; without JOB for one that was not submitted."""


class Member(Struct, frozen=True):
    """A block of a job array: its ``trials`` file, and how many trials that has."""

    state: BlockState
    trials: bytes
    count: int


class Submitter:
    """Submits blocks of a run and remembers the job arrays.

    :ivar jobs: ids of the arrays that were submitted, in their order.
    :ivar submitted: tasks that earlier controllers have submitted, oldest first, with the names of their blocks.
    """

    def __init__(self, run: Run, system: BatchSystem, session: BatchSession) -> None:
        self.jobs: list[str] = []
        self.submitted: list[tuple[Task, str]] = []
        self._run = run
        self._system = system
        self._session = session
        self._next_number = 0
        self._prepared: Prepared
        self._kernels = {kernel.name: kernel for kernel in run.experiment.kernels}
        self._swept = {block.kernel for block in run.plan.blocks()}

    def take_over(self, prepared: Prepared) -> None:
        """Find what earlier controllers have submitted; the lock waits for one that is about to."""
        self._prepared = prepared
        lock = f"{self._session.folder}/lock"
        listing = script('flock "$1" sh -c "$2" sh "$3"', lock, LIST, self._session.folder)
        number, index = -1, 0
        for line in self._session.login.run(listing).stdout.splitlines():
            if not line.startswith("@"):
                self.submitted.append((Task(number, index), line))
                index += 1
            elif line[1:].split(" ")[0].isdigit():  # else there is none
                name, *job = line[1:].split()
                number, index = int(name), 0
                self._next_number = max(self._next_number, number + 1)
                self.jobs += job
        self.submitted.sort()

    def submit_all(self) -> None:
        """Submit each block of the plan once; for a dry run."""
        blocks = [
            BlockState(block, HostLosses(self._run, f"block {block.name}"))
            for block in self._run.plan.blocks()
        ]
        for _, state in self.submit(blocks):
            self._run.observer.block_begins(state.block, sum(1 for _ in self._run.pending(state.block)))

    def submit(self, blocks: Sequence[BlockState]) -> Iterator[tuple[Task, BlockState]]:
        """Submit blocks; yield the task of each once it is in the queue. ``HostError`` if the scheduler refuses."""
        if not self._system.boots_kernels:
            blocks = sorted(blocks, key=lambda state: state.block.kernel)
        limit = self._session.array_limit()
        for kernel, group in itertools.groupby(blocks, key=lambda state: state.block.kernel):
            for members in self._arrays(group, limit):
                yield from self._submit_array(kernel, members)

    def _arrays(self, blocks: Iterable[BlockState], limit: int) -> Iterator[list[Member]]:
        """Divide blocks into job arrays of at most ``limit`` tasks, as large as the storage can take them."""
        members: list[Member] = []
        size = 0
        for state in blocks:
            trials = list(state.losses.trials_to_send(state.block))
            folder = self._session.storage.folder
            sent = (as_sent(trial, self._run.experiment, folder) for trial in trials)
            member = Member(state, trial_file.encode_trials(sent), len(trials))
            size += len(member.trials)
            if members and (len(members) == limit or size > self._session.storage.trials_limit):
                yield members
                members, size = [], len(member.trials)
            members.append(member)
        if members:
            yield members

    def _submit_array(self, kernel: str, members: Sequence[Member]) -> Iterator[tuple[Task, BlockState]]:
        number, self._next_number = self._next_number, self._next_number + 1
        root = needs_root(self._run.experiment)
        files = {
            f"jobs/{number}/blocks": "".join(f"{member.state.block.name}\n" for member in members).encode(),
            f"jobs/{number}/expected": self._expected(kernel),
            f"jobs/{number}/settings": self._settings() if root else b"",
        }
        for index, member in enumerate(members):
            files[f"{Task(number, index).path}/trials"] = member.trials
        most = max(member.count for member in members)
        self._session.upload(files)
        one_after_another = self._system.max_jobs or self._on_one_node
        array = JobArray(
            number=number,
            tasks=len(members),
            kernel=kernel,
            minutes=job_minutes(self._system, self._run.experiment.limits, most),
            node=self._prepared.node if self._on_one_node else "",
            after=self.jobs[-1] if self.jobs and one_after_another else "",
            root=root,
        )
        job = self._session.submit(array)
        self._run.expect_trials()
        self.jobs.append(job)
        for index, member in enumerate(members):
            yield Task(number, index), member.state

    @property
    def _on_one_node(self) -> bool:
        """Whether all jobs run on one node: kernels are compared on the same machine."""
        return self._system.boots_kernels and len(self._swept) > 1

    def _settings(self) -> bytes:
        roles = [Setting(path, value) for path, value in self._prepared.settings.items()]
        return encode_settings([*roles, *self._run.experiment.tuning.settings])

    def _expected(self, kernel: str) -> bytes:
        """Return lines that ``facts.sh`` prints under this kernel, as far as that is known."""
        if not self._session.login.executes and self._system.guest:  # it is neither built nor fetched
            return b""
        identity = self._system.identity(self._kernels[kernel])
        known = {"uname.release": identity.release, "build_id": identity.build_id}
        return "".join(f"{key}={value}\n" for key, value in known.items() if value).encode()


def job_minutes(system: BatchSystem, limits: Limits, trials: int) -> int:
    """Return the time limit of a job for so many trials; a job that reaches it goes on as another one."""
    trial = min(2 * DEFAULT_TRIAL_S, limits.trial)
    return max(2, math.ceil((system.time_limit or trials * trial + START_S) / 60))
