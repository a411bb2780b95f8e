"""The contracts of this package: a connected host, a machine that boots, a provider that makes machines."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any, ClassVar, Literal

from orchestrator.environments import Environment
from orchestrator.errors import CommandFailed, HostError
from orchestrator.experiment.model import Kernel, Needs
from orchestrator.hosts.command import Command, Completed, script
from orchestrator.kernels.obtain import identity_of
from orchestrator.kernels.verification import Identity

TICK_S = 0.5
"""How often :meth:`Host.lines` lets its caller look up while the host is silent."""

Clock = Literal["wall", "instructions"]


class Host(ABC):
    """A host that can be reached now.

    A connection implements three methods (``_execute``, ``lines``, ``close``); all else is made of those, so that
    every kind of host, fakes included, behaves alike. All errors are :class:`~orchestrator.errors.HostError`.

    :cvar answers: whether commands are executed at all; a dry run's are only printed.
    """

    answers: ClassVar[bool] = True

    def __init__(self, name: str) -> None:
        self.name = name
        self._root: bool | None = None

    @abstractmethod
    def _execute(self, line: str, stdin: bytes | None, time_limit: float) -> tuple[int, bytes, bytes]:
        """Run a shell line to its end; return exit code, stdout and stderr. ``TimeoutError`` past the limit."""

    @abstractmethod
    def lines(self, command: Command) -> Iterator[str | None]:
        """Yield each line that the command prints, without its newline, as it comes; None every :data:`TICK_S`.

        Ends when the command ends, whatever its exit code. The command's input stays open until the generator is
        closed or the connection is lost: one that should not outlive its reader waits for the end of its input.
        """

    @abstractmethod
    def close(self) -> None:
        """Close the connection; may be called twice."""

    @property
    def is_root(self) -> bool:
        """Whether commands run as root without sudo; asked once."""
        if self._root is None:
            self._root = self.run(Command(("id", "-u"))).stdout.strip() == "0"
        return self._root

    @property
    def ansible(self) -> Mapping[str, Any]:
        """The variables by which Ansible reaches this host; ``HostError`` for one that only we can reach."""
        raise HostError(f"{self.name}: this kind of host cannot be reached by Ansible")

    def prepare(self, command: Command) -> Command:
        """Return the command as this host will execute it: without sudo where we are root."""
        return replace(command, sudo=False) if command.sudo and self.is_root else command

    def run(self, command: Command) -> Completed:
        """Run to the end and return; raise ``CommandFailed`` on an exit code that is not accepted."""
        command = self.prepare(command)
        started = time.monotonic()
        try:
            code, out, err = self._execute(command.line, command.stdin, command.time_limit)
        except TimeoutError:
            spent = time.monotonic() - started
            raise CommandFailed(
                f"{self.name}: no end after {spent:.0f} s (limit {command.time_limit:g} s): {command.shown}"
            ) from None
        return self.check_exit_code(command, code, out.decode(errors="replace"), err.decode(errors="replace"))

    def check_exit_code(self, command: Command, code: int, stdout: str, stderr: str = "") -> Completed:
        """Return what became of a command, or raise ``CommandFailed`` if its exit code is not one of those accepted."""
        if code not in command.accept:
            said = (stderr or stdout).strip().splitlines()
            tail = f": {said[-1]}" if said else ""
            raise CommandFailed(f"{self.name}: exit code {code} from {command.shown}{tail}")
        return Completed(command, code, stdout, stderr)

    def put(self, content: Path | bytes, path: str, mode: int = 0o644, *, sudo: bool = False) -> None:
        """Write a file on the host, whole or not at all (a temporary name, then a rename); makes its folder."""
        data = content if isinstance(content, bytes) else content.read_bytes()
        write = (
            'mkdir -p "$(dirname "$1")" && cat > "$1.$$" && chmod "$2" "$1.$$" && mv -f "$1.$$" "$1"'
            ' || { rm -f "$1.$$"; exit 1; }'
        )
        self.run(script(write, path, f"{mode:o}", sudo=sudo, stdin=data, time_limit=300))


class Machine(ABC):
    """A machine that a provider holds for the length of a run; it lives through several boots.

    :ivar environment: what the provider knows of it; None: to be found out from the host's facts.
    :ivar clock: what the machine's time counts.
    :cvar keeps_files: whether its files outlive a boot, hence what a trial's runner wrote before the machine died.
    :ivar beneath: what a machine of our own making runs on, see :class:`~orchestrator.results.records.BlockRecord`.
    :ivar variables: what the inventory says of it, for roles; ``groups``: those that it is in.
    """

    name: str
    environment: Environment | None
    clock: Clock
    keeps_files: ClassVar[bool] = False
    beneath: Mapping[str, str] = MappingProxyType({})
    variables: Mapping[str, Any] = MappingProxyType({})
    groups: tuple[str, ...] = ()

    @abstractmethod
    def boot(self, kernel: Kernel) -> Host:
        """Return a connected host that runs ``kernel``.

        A guest is started anew on each call; a machine that cannot boot kernels connects to the one that runs,
        whichever that is: whoever asked proves it. Raises ``HostError`` (unreachable) or ``KernelError`` (this kernel
        does not come up here).
        """

    def identity(self, kernel: Kernel) -> Identity:
        """Return what ``kernel`` must prove to be once it runs here; ``KernelError`` if it cannot be made."""
        return identity_of(kernel)

    @abstractmethod
    def reconnect(self) -> Host:
        """Connect again after the connection was lost, without booting; raises ``HostError`` if that is in vain."""

    def leave(self) -> Host | None:
        """Bring the machine back to what it was before it was booted, as far as it can be reached.

        Returns the host as it is connected then; None where nothing was changed.
        """
        return None

    @abstractmethod
    def close(self) -> None:
        """Remove what the provider made, keep what it found; may be called twice."""


@dataclass(frozen=True, slots=True)
class ProviderRequest:
    """What a provider is asked for: from the experiment file (``hosts:``) and from the command line, which wins.

    :ivar options: the provider's own section of the file, valid by its ``options_schema``.
    :ivar fleet: whether all hosts of the group are wanted.
    :ivar host: ``--host``; empty if not given.
    :ivar boot_limit: seconds within which a machine must answer.
    """

    needs: Needs
    options: Mapping[str, Any]
    group: str = ""
    fleet: bool = False
    host: str = ""
    inventory: Path | None = None
    ssh_config: Path | None = None
    allow_local_changes: bool = False
    boot_limit: float = 300.0


class Provider(ABC):
    """Makes machines. One file in ``providers/`` each; a subclass is known by its ``name`` as soon as it is imported.

    :cvar options_schema: JSON Schema of the provider's own section under ``hosts:``.
    :ivar boots_kernels: whether a machine can be booted again, hence whether trials can be spread over boots.
    :cvar makes_hosts: whether its hosts are there only as long as something holds them.
    :cvar has_fleets: whether it can hold several machines at once.
    :ivar hosts: their names, in order, where it was asked for all hosts of a group; else empty.
    :ivar place: where the trials run, in words that tell this place from others.
    :ivar changes_allowed: whether a host's settings may be changed without the user saying so.
    :cvar boot_estimate: seconds from asking for a machine to its first trial, for plans.
    """

    name: ClassVar[str]
    place: str
    options_schema: ClassVar[Mapping[str, Any]]
    boots_kernels: bool = False
    makes_hosts: ClassVar[bool] = False
    has_fleets: ClassVar[bool] = False
    hosts: tuple[str, ...] = ()
    changes_allowed: bool = True
    boot_estimate: ClassVar[float] = 2.0

    @abstractmethod
    def __init__(self, request: ProviderRequest) -> None:
        """Check the request; ``BadInput`` for what the user can mend. Touches no host yet."""

    @abstractmethod
    def machine(self, log_folder: Path) -> AbstractContextManager[Machine]:
        """Hold one machine that meets the experiment's needs; ``log_folder`` takes console logs."""

    def machines(self, log_folder: Path) -> AbstractContextManager[Sequence[Machine]]:
        """Hold the machines of a fleet, one for each of :attr:`hosts`; none is connected yet."""
        raise NotImplementedError(f"{self.name} has no fleets")
