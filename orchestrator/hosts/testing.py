"""Mock hosts, machines and providers for tests. Public, as are Fabric's.

They do what no real host does on demand: fail at a chosen command, return invalid output.

    host = ScriptedHost("n1")
    host.answer(r"^uname", stdout="Linux\\n")
    host.answer(r"sysctl", error=HostLost("n1: connection lost"))
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar

from msgspec import Struct

from orchestrator.environments import Environment
from orchestrator.experiment.model import Kernel
from orchestrator.hosts.base import Host, Machine
from orchestrator.hosts.command import Command
from orchestrator.hosts.provider import Provider, ProviderRequest


class Answer(Struct, frozen=True):
    """The result of command lines that match ``pattern``."""

    pattern: re.Pattern[str]
    exit_code: int
    stdout: bytes
    stderr: bytes
    error: Exception | None
    times: int


class ScriptedHost(Host):
    """Returns scripted results; a command that no pattern matches succeeds with empty output.

    :ivar commands: the executed command lines, in order.
    :ivar files: contents of the files that were put, by path.
    """

    def __init__(self, name: str = "scripted", root: bool = True) -> None:
        super().__init__(name)
        self._root = root
        self._answers: list[Answer] = []
        self._used: dict[int, int] = {}
        self.commands: list[str] = []
        self.files: dict[str, bytes] = {}
        self.closed = False

    def answer(
        self,
        pattern: str,
        *,
        stdout: str = "",
        stderr: str = "",
        exit_code: int = 0,
        error: Exception | None = None,
        times: int = 0,
    ) -> None:
        """Set the result of the first ``times`` matching lines (0: all); earlier calls take precedence."""
        self._answers.append(
            Answer(re.compile(pattern), exit_code, stdout.encode(), stderr.encode(), error, times)
        )

    def _execute(
        self, line: str, stdin: bytes | None, time_limit: float, most: int
    ) -> tuple[int, bytes, bytes]:
        self.commands.append(line)
        answer = self._find(line)
        if answer is None:
            return 0, b"", b""
        if answer.error is not None:
            raise answer.error
        return answer.exit_code, answer.stdout, answer.stderr

    def batches(self, command: Command) -> Iterator[list[str] | None]:
        """Yield the scripted stdout."""
        _, out, _ = self._execute(self.prepare(command).line, None, command.time_limit, command.most)
        yield out.decode().splitlines()

    def put(self, content: Path | bytes, path: str, mode: int = 0o644, *, sudo: bool = False) -> None:
        """Store the file in :attr:`files`."""
        self.files[path] = content if isinstance(content, bytes) else content.read_bytes()

    def close(self) -> None:
        """Set ``closed``."""
        self.closed = True

    def _find(self, line: str) -> Answer | None:
        for number, answer in enumerate(self._answers):
            used = self._used.get(number, 0)
            if answer.pattern.search(line) and (not answer.times or used < answer.times):
                self._used[number] = used + 1
                return answer
        return None


class ScriptedMachine(Machine):
    """Returns the given hosts in order, one for each boot or reconnection, then the last one each time."""

    def __init__(self, hosts: Sequence[Host], environment: Environment = Environment.VM_OTHER) -> None:
        self.name = hosts[0].name
        self.environment = environment
        self._hosts = list(hosts)
        self.boots: list[str] = []

    def boot(self, kernel: Kernel) -> Host:
        """Return the next host."""
        self.boots.append(kernel.name)
        return self.reconnect()

    def reconnect(self) -> Host:
        """Return the next host."""
        return self._hosts.pop(0) if len(self._hosts) > 1 else self._hosts[0]

    def close(self) -> None:
        """Do nothing: no machine was created."""


class ScriptedProvider(Provider):
    """Provides one given machine."""

    name = "scripted"
    options_schema: ClassVar[dict[str, Any]] = {"type": "object"}

    def __init__(self, request: ProviderRequest, machine: Machine | None = None) -> None:
        self.location = self.name
        self._machine = machine or ScriptedMachine([ScriptedHost()])

    @contextmanager
    def machine(self, log_folder: Path) -> Iterator[Machine]:
        """See :meth:`Provider.machine`."""
        yield self._machine
