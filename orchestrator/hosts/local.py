"""This machine as a host: the same commands, run by a local shell."""

from __future__ import annotations

import os
import selectors
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from orchestrator.hosts.base import TICK_S, Host, TooMuchOutput
from orchestrator.hosts.command import Command
from orchestrator.hosts.line_buffer import LineBuffer


class LocalHost(Host):
    """This machine.

    :param environment: of its commands; None: that of this process.
    """

    def __init__(self, name: str, environment: Mapping[str, str] | None = None) -> None:
        super().__init__(name)
        self._environment = environment

    @property
    def ansible(self) -> Mapping[str, Any]:
        """See :meth:`Host.ansible`."""
        return {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}

    def _execute(
        self, line: str, stdin: bytes | None, time_limit: float, most: int
    ) -> tuple[int, bytes, bytes]:
        process = subprocess.Popen(
            ("sh", "-c", line),
            stdin=subprocess.PIPE if stdin is not None else subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
            env=self._environment,
        )
        try:
            out, err = process.communicate(stdin, timeout=time_limit)
        except subprocess.TimeoutExpired:
            raise TimeoutError from None
        finally:
            _kill(process)
        if len(out) > most:
            raise TooMuchOutput
        return process.returncode, out, err

    def session(self, line: str, *, terminal: bool) -> Sequence[str]:
        """See :meth:`Host.session`."""
        # By exec, for a signal to the process to be one to the command: some shells would wait for it.
        return ("sh", "-c", f"exec {line}" if line else 'exec "${SHELL:-sh}" -l')

    def batches(self, command: Command) -> Iterator[list[str] | None]:
        """See :meth:`Host.batches`."""
        process = subprocess.Popen(
            ("sh", "-c", self.prepare(command).line),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            env=self._environment,
        )
        assert process.stdin is not None
        assert process.stdout is not None
        lines = LineBuffer(self.name)
        try:
            with selectors.DefaultSelector() as selector:
                selector.register(process.stdout, selectors.EVENT_READ)
                while True:
                    if not selector.select(TICK_S):
                        yield None
                        continue
                    data = os.read(process.stdout.fileno(), 65536)
                    if not data:
                        break
                    if whole := lines.add(data):
                        yield whole
            if last := lines.end():
                yield last
        finally:
            process.stdin.close()
            process.stdout.close()
            _kill(process)

    def close(self) -> None:
        """Do nothing: there is no connection."""


def _kill(process: subprocess.Popen[bytes]) -> None:
    """Kill a command and its children if it still runs."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
