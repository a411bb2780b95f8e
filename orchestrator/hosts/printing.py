"""A host for dry runs: it prints each command; every command succeeds with empty output."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from orchestrator.hosts.base import Host
from orchestrator.hosts.command import Command, Completed
from orchestrator.units import plural


class PrintingHost(Host):
    """Prints commands instead of executing them. It assumes that the user is root."""

    executes = False

    def __init__(self, name: str, print_line: Callable[[str], None]) -> None:
        super().__init__(name)
        self._root = True
        self._print_line = print_line

    def run(self, command: Command) -> Completed:
        """Print the command as it would be executed, and its stdin below it."""
        self._print_line(str(self.prepare(command)))
        for line in (command.stdin or b"").decode(errors="replace").splitlines():
            self._print_line(f"    < {line}")
        return Completed(command, 0, "", "")

    def put(self, content: Path | bytes, path: str, mode: int = 0o644, *, sudo: bool = False) -> None:
        """Print path, mode and size of the file."""
        size = len(content) if isinstance(content, bytes) else content.stat().st_size
        self._print_line(f"put {path}  mode {mode:o}, {plural(size, 'byte')}")

    def lines(self, command: Command) -> Iterator[str | None]:
        """Print the command and yield nothing."""
        self._print_line(str(self.prepare(command)))
        yield from ()

    def _execute(self, line: str, stdin: bytes | None, time_limit: float) -> tuple[int, bytes, bytes]:
        raise AssertionError("a printing host executes nothing")

    def close(self) -> None:
        """Do nothing: there is no connection."""
