"""Where the nodes find a run's directory: here, on storage that they share with the login host."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import ClassVar

from orchestrator.hosts.base import Host
from orchestrator.hosts.batch import JobArray, JobState, Storage, Task

SAFE = """
safe() {
    for path in "$1" "${1%/*}" "${1%/*}/"; do
        [ -n "$(find "$path" -prune '(' -user "$(id -u)" -o -user 0 ')' \\
            '(' -type l -o ! -perm -002 -o -perm -1000 ')' 2>/dev/null)" ] || return
    done
}
"""
"""Shell: ``safe RUN``: no other user can replace the run's directory on a node, or files there.

The queue shows its name to all users before it exists."""


class SlurmStorage(Storage):
    """See :class:`~orchestrator.hosts.batch.Storage`."""

    @abstractmethod
    def batch_script(self, array: JobArray) -> tuple[str, ...]:
        """Return the last words of ``sbatch``: where a job writes and runs, the script and its arguments."""


class SharedStorage(SlurmStorage):
    """The nodes see the directory of the login host: there is nothing to copy."""

    shared: ClassVar[bool] = True

    def __init__(self, folder: str) -> None:
        self.folder = folder

    def batch_script(self, array: JobArray) -> tuple[str, ...]:
        """See :meth:`SlurmStorage.batch_script`."""
        folder = self.folder.replace("%", "%%")
        return (
            f"--output={folder}/jobs/{array.number}/%a/job.log",
            f"--chdir={self.folder}",
            f"{self.folder}/bin/job.sh",
            *job_words(self.folder, array),
        )

    def keep(self, node: Host) -> None:
        """See :meth:`Storage.keep`."""

    def collect(self, running: Mapping[Task, JobState], ended: Mapping[Task, JobState]) -> set[Task]:
        """See :meth:`Storage.collect`."""
        return set()

    def clean(self) -> list[str]:
        """See :meth:`Storage.clean`."""
        return []


def job_words(folder: str, array: JobArray) -> tuple[str, ...]:
    """Return the arguments of ``job.sh``."""
    return folder, str(array.number), "root" if array.root else "user"
