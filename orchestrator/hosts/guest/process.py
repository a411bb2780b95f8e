"""A QEMU process that ends with the controller, even if that is killed."""

from __future__ import annotations

import contextlib
import shutil
import subprocess
import sys
from pathlib import Path

from orchestrator.hosts.guest import supervisor

STOP_LIMIT_S = 10.0


class SupervisedProcess:
    """A program under :mod:`~orchestrator.hosts.guest.supervisor`, which removes ``folder`` when the program exits.

    If the supervisor is killed, :meth:`stop` removes it.
    Only this object has the write end of the supervisor's pipe; it is closed on exec, so no child inherits it.
    The supervisor is in its own session, so it does not get SIGINT on Ctrl-C.
    """

    def __init__(self, argv: tuple[str, ...], folder: Path, output: Path) -> None:
        self._folder = folder
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
        """Exit code of the program (128 and more: killed by a signal); None while it runs."""
        return self._supervisor.poll()

    def exits_within(self, seconds: float) -> bool:
        """Wait until the program exits, at most ``seconds``; return whether it has exited."""
        try:
            self._supervisor.wait(seconds)
        except subprocess.TimeoutExpired:
            return False
        return True

    def stop(self) -> None:
        """Kill the program, wait until it has exited, and see to it that the folder is gone; may be called twice."""
        if self._supervisor.stdin is not None:
            with contextlib.suppress(BrokenPipeError):
                self._supervisor.stdin.close()
        try:
            self._supervisor.wait(STOP_LIMIT_S)
        except subprocess.TimeoutExpired:
            self._supervisor.kill()  # the kernel then kills the program
            self._supervisor.wait()
        shutil.rmtree(self._folder, ignore_errors=True)
