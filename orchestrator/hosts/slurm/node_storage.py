"""The run's directory where the nodes do not share it: each has its own, and the files travel with the jobs.

To the node: ``sbatch`` carries them, packed in the batch script (``packed_job.sh``). Back: the login host follows the
journal of each running job by a step of the job, and fetches what is left when the job has ended (``collect.sh``).
The directory on the login host then has the same files as shared storage would have.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Mapping
from importlib.resources import files
from typing import ClassVar

from orchestrator.errors import HostError
from orchestrator.hosts.base import Host
from orchestrator.hosts.batch import ALL_CODES, UPLOAD_LIMIT_S, JobArray, JobState, Task, pack
from orchestrator.hosts.command import Command, script
from orchestrator.hosts.slurm.commands import call, job_name, queue_lines
from orchestrator.hosts.slurm.storage import SAFE, SlurmStorage, job_words

log = logging.getLogger(__name__)

SCRIPTS = {
    name: (files(__package__) / name).read_bytes() for name in ("packed_job.sh", "deliver.sh", "collect.sh")
}
"""What is needed below ``bin/`` of the run's directory, beside the other scripts; by name."""

HOLD_S = 120
"""A job keeps its node so long for the login host to take the files of its block."""

SCRIPT_LIMIT = 4 << 20
"""The default of Slurm's ``max_script_size``, in bytes."""

ROOM = 64 << 10
"""Bytes of a batch script for all but the packed files."""

UNPACK = f"""{SAFE}
umask 077
mkdir -p "$1" || exit
safe "$1" || {{ echo "another user can replace it" >&2; exit 1; }}
cd "$1" && : >on_node && tar -x -o -f -
"""
"""Fills the run's directory on a node."""

PACK = (
    'cd "$1" && set -- bin && { [ ! -d roles ] || set -- bin roles; } && tar -c -f - "$@" | gzip -9 | base64'
)
"""Prints the scripts and what was built, packed."""

JOIN = """
cd "$1" || exit
{
    cat bin/packed_job.sh && echo @common && cat common && echo @array &&
        tar -c -f - "$2/expected" "$2/settings" "$2"/*/trials | gzip -9 | base64 && echo @end
} >"$2/job.sh"
"""
"""Makes the batch script of a job array."""

CLEAN = """
cd "$1" && node_run=$2 name=$3 && shift 3 || exit
for path in jobs/*/*/; do
    [ -e "$path/over" ] || sed -n 's/^slurm\\.node=//p' "$path/place" 2>/dev/null
done | sort -u | while read -r node; do
    srun --quiet --chdir=/ --immediate=10 --job-name="$name" --nodelist="$node" --nodes=1 --ntasks=1 --time=1 \\
        --mem=50 "$@" rm -rf "$node_run" </dev/null >/dev/null 2>&1 || echo "$node"
done
"""
"""Removes the run's directory from nodes whose files were not fetched; prints the nodes where it stays."""

FETCH = "fetch"
"""In the names of jobs that fetch files."""

GONE = ("down", "drain", "fail", "unknown")
"""How ``sinfo`` names states of nodes on which no job will start soon."""

NODE = re.compile(r"[\w.-]+")


class NodeStorage(SlurmStorage):
    """See :class:`~orchestrator.hosts.batch.Storage`.

    :param login: returns the connected login host; ``home``: the run's directory there.
    :param folder: the run's directory on the nodes.
    :param options: of srun, which lead to the same nodes as those of the jobs.
    :param parameters: ``SchedulerParameters`` of the site.
    """

    shared: ClassVar[bool] = False

    def __init__(
        self,
        login: Callable[[], Host],
        run: str,
        home: str,
        folder: str,
        options: tuple[str, ...],
        parameters: str,
    ) -> None:
        self.folder = folder
        self._login = login
        self._run = run
        self._home = home
        self._options = options
        self._errors: set[str] = set()
        limit = re.search(r"\bmax_script_size=(\d+)", parameters)
        self._script_limit = int(limit[1]) if limit else SCRIPT_LIMIT
        # A fetch that failed for an earlier controller may work now.
        look = 'cd "$1" || exit; rm -f nodes/*.error; [ ! -e common ] || wc -c <common'
        self._set_trials_limit(login().run(script(look, home)).stdout.strip())

    def _set_trials_limit(self, packed: str) -> None:
        """Take over the size of what every job gets; packed, trials are smaller than they are."""
        self.trials_limit = max(1, self._script_limit - int(packed or 0) - ROOM)

    def fill(self, node: Host, files: Mapping[str, bytes]) -> None:
        """Write files, by path below :attr:`folder`, on the node where a run is prepared."""
        done = node.run(
            script(UNPACK, self.folder, stdin=pack(files), time_limit=UPLOAD_LIMIT_S, accept=ALL_CODES)
        )
        if done.exit_code:
            reason = (done.stderr.strip() or f"exit code {done.exit_code}").splitlines()[-1]
            raise HostError(
                f"{node.name}: cannot write to {self.folder}: {reason}; set hosts.slurm.node_directory"
            )

    def keep(self, node: Host) -> None:
        """See :meth:`Storage.keep`; ``HostError`` if it is too large for a batch script."""
        packed = node.run(script(PACK, self.folder, time_limit=UPLOAD_LIMIT_S)).stdout.encode()
        if len(packed) + ROOM > self._script_limit:
            raise HostError(
                f"{node.name}: the benchmark is too large for a batch script: {len(packed) >> 10} KiB packed, of "
                f"{self._script_limit >> 10} KiB that Slurm accepts (max_script_size); "
                "set hosts.slurm.directory to a directory that the nodes share"
            )
        self._login().put(packed, f"{self._home}/common")
        self._set_trials_limit(str(len(packed)))

    def batch_script(self, array: JobArray) -> tuple[str, ...]:
        """See :meth:`SlurmStorage.batch_script`."""
        path = f"jobs/{array.number}"
        self._login().run(script(JOIN, self._home, path, time_limit=UPLOAD_LIMIT_S))
        return (
            "--output=/dev/null",
            "--chdir=/",
            f"{self._home}/{path}/job.sh",
            *job_words(self.folder, array),
            str(HOLD_S),
        )

    def collect(self, running: Mapping[Task, JobState], ended: Mapping[Task, JobState]) -> set[Task]:
        """See :meth:`Storage.collect`."""
        lines = [f"{state.job} - {task.path}\n" for task, state in running.items()]
        for task, state in ended.items():
            node = state.node if NODE.fullmatch(state.node) else "-"
            lines.append(f"- {node} {task.path}\n")
        if not lines:
            return set()
        name = job_name(self._run, FETCH)
        words = (self._home, self.folder, name, *self._options)
        collect = Command(
            ("sh", f"{self._home}/bin/collect.sh", *words),
            time_limit=UPLOAD_LIMIT_S,
            stdin="".join(lines).encode(),
        )
        printed = self._login().run(collect).stdout.splitlines()
        for error in sorted({line[1:] for line in printed if line.startswith("@")} - self._errors):
            self._errors.add(error)
            log.warning("%s; cannot fetch journals from there", error)
        paths = {line for line in printed if not line.startswith("@")}
        if paths:
            self._cancel_where_down(name)
        return {task for task in ended if task.path in paths}

    def _cancel_where_down(self, name: str) -> None:
        """Cancel jobs that would fetch from a node that is down: it may never come back."""
        for job, found, state in queue_lines(self._login(), "--states=PENDING"):
            node = found.removeprefix(f"{name}-")
            if node == found or not state.reason:
                continue
            word = call(self._login(), "sinfo", "--noheader", f"--nodes={node}", "--format=%T").split()
            if any(part.startswith(GONE) for part in word):
                call(self._login(), "scancel", job)

    def clean(self) -> list[str]:
        """See :meth:`Storage.clean`."""
        words = (self._home, self.folder, job_name(self._run, FETCH), *self._options)
        return self._login().run(script(CLEAN, *words, time_limit=UPLOAD_LIMIT_S)).stdout.split()
