"""A QEMU that ends with its controller, even one that is killed."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from pathlib import Path

from orchestrator.hosts.guest import supervisor

STOP_LIMIT_S = 10.0


class SupervisedProcess:
    """A program under :mod:`~orchestrator.hosts.guest.guard`, which also removes ``folder`` when it is over.

    Only this object holds the writing end of the guard's pipe (it is closed on exec, so no child inherits it).
    The guard has a session of its own: Ctrl-C at the terminal does not reach it.
    """

    def __init__(self, argv: tuple[str, ...], folder: Path, output: Path) -> None:
        with output.open("ab") as log:
            self._supervisor = subprocess.Popen(
                [sys.executable, "-I", "-S", supervisor.__file__, str(folder), *argv],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    @property
    def exit_code(self) -> int | None:
        """Exit code of the program (128 and more: ended by a signal), None while it runs."""
        return self._supervisor.poll()

    def ends_within(self, seconds: float) -> bool:
        """Wait for the program's end, no longer than that; whether it has ended."""
        try:
            self._supervisor.wait(seconds)
        except subprocess.TimeoutExpired:
            return False
        return True

    def stop(self) -> None:
        """End the program and wait until it is gone; may be called twice."""
        if self._supervisor.stdin is not None:
            with contextlib.suppress(BrokenPipeError):
                self._supervisor.stdin.close()
        try:
            self._supervisor.wait(STOP_LIMIT_S)
        except subprocess.TimeoutExpired:
            self._supervisor.kill()  # the kernel then kills the program
            self._supervisor.wait()
