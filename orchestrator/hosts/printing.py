"""Hosts for dry runs: they print each command that they are given, and every command succeeds without output."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import Any, ClassVar

from orchestrator.experiment.model import Kernel
from orchestrator.hosts.base import WHO, Host, Machine
from orchestrator.hosts.command import Command, Completed
from orchestrator.hosts.provider import Provider
from orchestrator.kernels.verification import Identity
from orchestrator.source_tree import sha256
from orchestrator.units import plural


class PrintingHost(Host):
    """Prints instead of executing. Commands run as root: whether they would cannot be asked."""

    executes = False

    def __init__(self, name: str, print_line: Callable[[str], None]) -> None:
        super().__init__(name)
        self._print_line = print_line

    @property
    def is_root(self) -> bool:
        """Root, after printing how a host is asked."""
        if self._root is None:
            self._root = True
            self.run(WHO)
        return True

    def run(self, command: Command) -> Completed:
        """Print the command as it would be executed, and its stdin below it if that is text."""
        self._print_line(str(self.prepare(command)))
        text = command.stdin or b""
        if b"\0" not in text:  # else a program or an archive; its size is in the line above
            for line in text.decode(errors="replace").splitlines():
                self._print_line(f"    < {line}")
        return Completed(command, 0, "", "")

    def comment(self, text: str) -> None:
        """Print what is not a command."""
        self._print_line(f"# {text}")

    def put(self, content: Path | bytes, path: str, mode: int = 0o644, *, sudo: bool = False) -> None:
        """Print path, mode, size and checksum of the file."""
        if isinstance(content, Path) and not content.exists():  # of a kernel, see placeholder_files()
            self._print_line(f"put {path}  mode {mode:o}")
            return
        if isinstance(content, bytes):
            size, digest = len(content), hashlib.sha256(content).hexdigest()
        else:
            size, digest = content.stat().st_size, sha256(content)
        # A checksum would confirm a guess of what not everybody may read.
        checksum = f", sha256 {digest}" if mode & 0o004 else ""
        self._print_line(f"put {path}  mode {mode:o}, {plural(size, 'byte')}{checksum}")

    def batches(self, command: Command) -> Iterator[list[str] | None]:
        """Print the command and yield nothing."""
        self._print_line(str(self.prepare(command)))
        yield from ()

    def _execute(
        self, line: str, stdin: bytes | None, time_limit: float, most: int
    ) -> tuple[int, bytes, bytes]:
        raise AssertionError("a printing host executes nothing")

    def close(self) -> None:
        """Nothing to close."""


class PrintingMachine(Machine):
    """A machine of which every boot prints.

    :param variables: its variables in the inventory; ``groups``: its groups there. Roles depend on them.
    """

    environment = None

    def __init__(
        self,
        name: str,
        print_line: Callable[[str], None],
        variables: Mapping[str, Any] = MappingProxyType({}),
        groups: tuple[str, ...] = (),
    ) -> None:
        self.name = name
        self.variables = variables
        self.groups = groups
        self._print_line = print_line

    def identity(self, kernel: Kernel) -> Identity:
        """Return that nothing is known: no kernel will run."""
        return Identity()

    def boot(self, kernel: Kernel) -> Host:
        """Return a host that prints."""
        return self.reconnect()

    def reconnect(self) -> Host:
        """Return a host that prints."""
        return PrintingHost(self.name, self._print_line)

    def close(self) -> None:
        """Nothing to close."""


class PrintingProvider(Provider):
    """Stands for another provider; its one machine prints, as ``host`` of the provider's fleet if there is one."""

    name = "printing"
    options_schema: ClassVar[Mapping[str, Any]] = {}

    def __init__(self, provider: Provider, print_line: Callable[[str], None], host: str = "") -> None:
        self.location = provider.location
        self.boots_kernels = provider.boots_kernels
        self._print_line = print_line
        self._provider = provider
        self._host = host
        self.batch = provider.batch.printing(print_line) if provider.batch else None

    @contextmanager
    def machine(self, log_folder: Path) -> Iterator[Machine]:
        """Hold the machine."""
        yield printing_machine(self._provider, self._host, self._print_line)


def printing_machine(provider: Provider, host: str, print_line: Callable[[str], None]) -> Machine:
    """Return the machine that prints for a host of a provider.

    :param host: one of :attr:`Provider.candidates`; empty: of several the first one.
    """
    return provider.printing_machine(host, print_line) or PrintingMachine(host or provider.name, print_line)
