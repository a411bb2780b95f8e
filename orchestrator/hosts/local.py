"""This machine as a host: the same commands, run by a local shell."""

from __future__ import annotations

import os
import selectors
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from orchestrator import process_groups
from orchestrator.errors import HostError
from orchestrator.hosts.base import TICK_S, Host
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
        try:
            ended = process_groups.run(
                ("sh", "-c", line),
                input=stdin,
                timeout=time_limit,
                capture_output=True,
                env=self._environment,
                most=most,
            )
        except subprocess.TimeoutExpired:
            raise TimeoutError from None
        except FileNotFoundError:
            raise HostError(f"{self.name}: sh: command not found; PATH lacks the directory of it") from None
        return ended.returncode, ended.stdout, ended.stderr

    def session(self, line: str, *, terminal: bool) -> Sequence[str]:
        """See :meth:`Host.session`."""
        # By exec, for a signal to the process to be one to the command: some shells would wait for it.
        return ("sh", "-c", f"exec {line}" if line else 'exec "${SHELL:-sh}" -l')

    def batches(self, command: Command) -> Iterator[list[str] | None]:
        """See :meth:`Host.batches`."""
        process = process_groups.begin(
            ("sh", "-c", self.prepare(command).line),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
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
            process_groups.end(process)

    def close(self) -> None:
        """Do nothing: there is no connection."""
