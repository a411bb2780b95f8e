"""A node that a job holds: commands run there as steps of the job."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from msgspec.structs import replace

from orchestrator.captured import TooMuchOutput
from orchestrator.errors import CommandFailed, HostLost, OutputTooLarge
from orchestrator.hosts.base import Host
from orchestrator.hosts.batch import ALL_CODES
from orchestrator.hosts.command import Command

LOST = ("Unable to confirm allocation", "Job/step already completing", "Node failure", "step creation failed")
"""Parts of srun's errors that mean that the job has ended."""


class SlurmNode(Host):
    """The node of a running job.

    :param login: where ``srun`` is run.
    :param job: id of the job.
    """

    def __init__(self, name: str, login: Host, job: str) -> None:
        super().__init__(name)
        self._login = login
        self._job = job
        self.executes = login.executes

    def _step(self, line: str, stdin: bytes | None) -> tuple[str, ...]:
        """Return the command of a step; ``--overlap``: the job's first step keeps all CPUs to itself."""
        no_input = ("--input=none",) if stdin is None else ()
        return (
            "srun",
            "--quiet",
            "--overlap",
            "--chdir=/",
            f"--jobid={self._job}",
            "--nodes=1",
            "--ntasks=1",
            *no_input,
            *("sh", "-c", line),
        )

    def _execute(
        self, line: str, stdin: bytes | None, time_limit: float, most: int
    ) -> tuple[int, bytes, bytes]:
        command = Command(
            self._step(line, stdin), time_limit=time_limit, accept=ALL_CODES, stdin=stdin, most=most
        )
        try:
            done = self._login.run(command)
        except HostLost:
            raise
        except OutputTooLarge as error:
            raise TooMuchOutput(most) from error
        except CommandFailed as error:
            raise TimeoutError from error
        if done.exit_code and any(part in done.stderr for part in LOST):
            raise HostLost(f"{self.name}: job {self._job} has ended: {done.stderr.strip().splitlines()[-1]}")
        errors = [text for text in done.stderr.splitlines() if not text.startswith("srun: error: ")]
        return done.exit_code, done.stdout.encode(), "\n".join(errors).encode()

    def put(self, content: Path | bytes, path: str, mode: int = 0o644, *, sudo: bool = False) -> None:
        """See :meth:`Host.put`; of a dry run the file may not be built yet."""
        missing = isinstance(content, Path) and not self.executes and not content.exists()
        super().put(b"" if missing else content, path, mode, sudo=sudo)

    def batches(self, command: Command) -> Iterator[list[str] | None]:
        """See :meth:`Host.batches`."""
        step = self._step(self.prepare(command).line, b"")
        return self._login.batches(replace(command, argv=step, sudo=False))

    def close(self) -> None:
        """Do nothing: whoever holds the job ends it."""
