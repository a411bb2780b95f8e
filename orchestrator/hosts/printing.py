"""A host for dry runs: it prints each command that it is given, and every command succeeds without a word."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from orchestrator.hosts.base import Host
from orchestrator.hosts.command import Command, Completed
from orchestrator.units import plural


class PrintingHost(Host):
    """Prints instead of executing. It takes itself for root, as it cannot ask."""

    executes = False

    def __init__(self, name: str, say: Callable[[str], None]) -> None:
        super().__init__(name)
        self._root = True
        self._say = say

    def run(self, command: Command) -> Completed:
        """Print the command as it would be executed, and below it what it would read."""
        self._say(str(self.prepare(command)))
        for line in (command.stdin or b"").decode(errors="replace").splitlines():
            self._say(f"    < {line}")
        return Completed(command, 0, "", "")

    def put(self, content: Path | bytes, path: str, mode: int = 0o644, *, sudo: bool = False) -> None:
        """Print what would be written where; the command behind it is the same for every file."""
        size = len(content) if isinstance(content, bytes) else content.stat().st_size
        self._say(f"put {path}  mode {mode:o}, {plural(size, 'byte')}")

    def lines(self, command: Command) -> Iterator[str | None]:
        """Print the command and yield nothing."""
        self._say(str(self.prepare(command)))
        yield from ()

    def _execute(self, line: str, stdin: bytes | None, time_limit: float) -> tuple[int, bytes, bytes]:
        raise AssertionError("a printing host executes nothing")

    def close(self) -> None:
        """Nothing to close."""
