"""Log of a machine's console: the output of a local command (serial over LAN, ``tail -F``)."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import IO, Any

from orchestrator import process_groups
from orchestrator.errors import BadInput, HostError
from orchestrator.hosts import programs

STOP_LIMIT_S = 5.0


class Console:
    """Runs the ``console`` command of the inventory and appends its output to a log, until :meth:`close`."""

    def __init__(self, host: str, value: Any) -> None:
        try:
            self._argv = programs.argv_of(value)
        except ValueError as error:
            raise BadInput(f"host {host!r}: console: {error}") from error
        self._host = host
        self._process: subprocess.Popen[bytes] | None = None
        self._log: IO[bytes] | None = None

    def start(self, log: Path) -> None:
        """Start the command unless it is running; ``HostError`` if it cannot be executed."""
        if self._process is not None:
            return
        log.touch(0o600)
        self._log = log.open("ab")
        try:
            self._process = process_groups.begin(
                # ends with this process, even on SIGKILL
                ["setpriv", "--pdeathsig", "TERM", "--", *self._argv],
                stdin=subprocess.PIPE,  # stays open: console clients exit at the end of stdin
                stdout=self._log,
                stderr=subprocess.STDOUT,
            )
        except OSError as error:
            self._log.close()
            raise HostError(f"{self._host}: console: {error.filename}: {error.strerror}") from error

    def close(self) -> None:
        """Stop the command and its children."""
        if self._process is None or self._log is None:
            return
        process_groups.end(self._process, STOP_LIMIT_S)
        if self._process.stdin is not None:
            self._process.stdin.close()
        self._log.close()
        self._process = self._log = None
