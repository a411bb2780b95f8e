"""A machine's console, as a command of this side prints it (serial over LAN, ``tail -F``), kept in the run's folder."""

from __future__ import annotations

import contextlib
import os
import shlex
import signal
import subprocess
from pathlib import Path
from typing import IO, Any

from orchestrator.errors import BadInput, HostError
from orchestrator.hosts import programs


class Console:
    """Runs the command of an inventory's ``console`` and appends to a log what it prints, until :meth:`close`."""

    def __init__(self, host: str, value: Any) -> None:
        try:
            self._argv = programs.argv_of(value)
        except ValueError as error:
            raise BadInput(f"host {host!r}: console: {error}") from error
        self._host = host
        self._process: subprocess.Popen[bytes] | None = None
        self._log: IO[bytes] | None = None

    def start(self, log: Path) -> None:
        """Start the command, unless it runs; ``HostError`` where there is no such program."""
        if self._process is not None:
            return
        self._log = log.open("ab")
        try:
            self._process = subprocess.Popen(
                # it must not outlive us, however we end
                ["setpriv", "--pdeathsig", "TERM", "--", *self._argv],
                stdin=subprocess.PIPE,  # stays open: a console client ends with its input
                stdout=self._log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        except OSError as error:
            self._log.close()
            raise HostError(f"{self._host}: console: {shlex.join(self._argv)}: {error}") from error

    def close(self) -> None:
        """End the command with all that it has started."""
        if self._process is None or self._log is None:
            return
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGTERM)
        try:
            self._process.wait(5)
        except subprocess.TimeoutExpired:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
        if self._process.stdin is not None:
            self._process.stdin.close()
        self._log.close()
        self._process = self._log = None
