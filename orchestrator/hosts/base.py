"""Interfaces of this package: a connected host, and a machine that can be booted. Providers: ``provider.py``."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from datetime import datetime
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar

from msgspec.structs import replace

from orchestrator.captured import TooMuchOutput, last_line
from orchestrator.environments import Environment
from orchestrator.errors import CommandFailed, HostError, OutputTooLarge
from orchestrator.experiment.model import Kernel
from orchestrator.hosts.command import Command, Completed, script
from orchestrator.hosts.facts_model import Facts
from orchestrator.kernels.verification import Identity

if TYPE_CHECKING:
    pass

TICK_S = 0.5
"""Seconds after which :meth:`Host.batches` yields None while the host prints nothing."""

_INPUT = "standard input\n"
WHO = script("id -u; cat", stdin=_INPUT.encode())
"""Who runs commands on a host, and whether their input reaches them, as all that we write there does."""


class Host(ABC):
    """A connected host.

    A subclass implements three methods: ``_execute``, ``batches`` and ``close``. All others use these, so every kind of
    host behaves the same. All errors are :class:`~orchestrator.errors.HostError`.

    :ivar executes: whether commands are executed; the host of a dry run only prints them.
    :ivar mark: ``NAME=VALUE`` for the environment of the commands of :meth:`run`, by which they are found; empty: none.
    """

    executes: bool = True

    def __init__(self, name: str) -> None:
        self.name = name
        self.mark = ""
        self._root: bool | None = None

    @abstractmethod
    def _execute(
        self, line: str, stdin: bytes | None, time_limit: float, most: int
    ) -> tuple[int, bytes, bytes]:
        """Run a shell line; return exit code, stdout, stderr.

        ``TimeoutError`` after ``time_limit`` seconds, :class:`TooMuchOutput` after ``most`` bytes on stdout. Of stderr
        only the end may come back.
        """

    @abstractmethod
    def batches(self, command: Command) -> Iterator[list[str] | None]:
        """Yield the lines of output that have arrived together; yield None every :data:`TICK_S` seconds of silence.

        Ends when the command ends; its exit code is ignored. The command's stdin stays open until the generator is
        closed or the connection is lost: a command that must not outlive its reader waits for the end of its input.
        """

    def lines(self, command: Command) -> Iterator[str | None]:
        """Yield each line of output, without its newline; else as :meth:`batches`."""
        with closing(self.batches(command)) as batches:  # type: ignore[type-var]
            for batch in batches:
                yield from (None,) if batch is None else batch

    @abstractmethod
    def close(self) -> None:
        """Close the connection; may be called twice."""

    @property
    def is_root(self) -> bool:
        """Whether commands run as root without sudo. The host is asked once.

        ``HostError`` if the login shell prints or reads something of its own.
        """
        if self._root is None:
            printed = self.run(WHO).stdout
            user, _, read = printed.partition("\n")
            unless = "unless it is interactive (scp and rsync need that, too): see its start files"
            if not user.isdecimal() or not _INPUT.endswith(read):
                raise HostError(
                    f"{self.name}: the login shell prints {printed[:60]!r} where the output of a command is expected; "
                    f"it must print nothing {unless}"
                )
            if read != _INPUT:
                raise HostError(
                    f"{self.name}: the login shell reads the standard input of commands; it must not read {unless}"
                )
            self._root = user == "0"
        return self._root

    def session(self, line: str, *, terminal: bool) -> Sequence[str]:
        """Return the command of this machine that runs a shell line, one simple command, on the host with our streams.

        Its exit code is that of the line; that of ``ssh`` is 255 if the connection is lost. ``HostError`` where there
        are no such sessions.

        :param line: empty: the login shell.
        :param terminal: whether the line has a terminal, which is then ours.
        """
        raise HostError(f"{self.name}: no sessions on hosts of this kind")

    @property
    def ansible(self) -> Mapping[str, Any]:
        """Ansible's connection variables for this host; ``HostError`` where Ansible cannot connect to it."""
        raise HostError(f"{self.name}: Ansible roles need a host with SSH, or --host local")

    def prepare(self, command: Command) -> Command:
        """Return the command as this host executes it: without sudo where the user is root."""
        return replace(command, sudo=False) if command.sudo and self.is_root else command

    def run(self, command: Command) -> Completed:
        """Run a command; raise ``CommandFailed`` on an exit code that is not accepted or at its time limit."""
        command = self.prepare(command)
        marked = replace(command, argv=("env", self.mark, *command.argv)) if self.mark else command
        try:
            code, out, err = self._execute(marked.line, command.stdin, command.time_limit, command.most)
        except TooMuchOutput as error:
            raise OutputTooLarge(f"{self.name}: {error} from {command.shown}") from None
        except TimeoutError:
            raise CommandFailed(
                f"{self.name}: timed out after {command.time_limit:g} s: {command.shown}"
            ) from None
        return self.check_exit_code(command, code, out.decode(errors="replace"), err.decode(errors="replace"))

    def check_exit_code(self, command: Command, code: int, stdout: str, stderr: str = "") -> Completed:
        """Return the result of a command; raise ``CommandFailed`` if its exit code is not accepted."""
        if code not in command.accept:
            reason = last_line(stderr, stdout)
            raise CommandFailed(
                f"{self.name}: exit code {code} from {command.shown}{reason and f': {reason}'}"
            )
        return Completed(command, code, stdout, stderr)

    def put(self, content: Path | bytes, path: str, mode: int = 0o644, *, sudo: bool = False) -> None:
        """Write a file on the host atomically (temporary file, then rename). Creates the directory.

        Raises ``CommandFailed`` that names the file, also if not all bytes arrive.
        """
        data = content if isinstance(content, bytes) else content.read_bytes()
        write = (
            'mkdir -p "$(dirname "$1")" && (umask 077 && cat > "$1.$$") && size=$(wc -c <"$1.$$") &&'
            ' { [ "$size" -eq "$3" ] || ! echo "$size of $3 bytes arrived" >&2; } &&'
            ' chmod "$2" "$1.$$" && mv -f "$1.$$" "$1" || { rm -f "$1.$$"; exit 1; }'
        )
        words = (path, f"{mode:o}", str(len(data)))
        done = self.run(script(write, *words, sudo=sudo, stdin=data, time_limit=300, accept=(0, 1)))
        if done.exit_code:
            reason = last_line(done.stderr) or "exit code 1"
            raise CommandFailed(f"{self.name}: cannot write {path}: {reason}")


class Machine(ABC):
    """A machine that a provider holds for a run. It may be booted several times.

    :ivar environment: set where the provider knows it; None: derived from the host's facts.
    :ivar deadline: when a rented machine is ended by its cloud, or its reservation ends (UTC); None: never.
    :ivar deadline_is: what the deadline is, for messages.
    :ivar interruption: returns why the cloud of a spot instance interrupts it; empty if it does not; None: not asked.
    :cvar files_survive_boot: whether files survive a boot, so that the runner's journal can be read after a crash.
    :ivar hypervisor: of a guest that this program started, see :class:`~orchestrator.results.records.BlockRecord`.
    :ivar variables: its variables in the inventory; ``groups``: its groups there.
    """

    name: str
    environment: Environment | None
    deadline: datetime | None = None
    deadline_is: str = "limits.max_hours"
    interruption: Callable[[], str] | None = None
    files_survive_boot: ClassVar[bool] = False
    hypervisor: Mapping[str, str] = MappingProxyType({})
    variables: Mapping[str, Any] = MappingProxyType({})
    groups: tuple[str, ...] = ()

    @abstractmethod
    def boot(self, kernel: Kernel) -> Host:
        """Return a connected host that runs ``kernel``.

        A guest is started again on each call. A machine that cannot boot kernels returns a connection to the running
        one, whichever kernel that is; the caller checks it. Raises ``HostError`` (unreachable) or ``KernelError`` (the
        kernel does not boot here).
        """

    def identity(self, kernel: Kernel) -> Identity:
        """Return what the running kernel is compared with; ``KernelError`` if ``kernel`` cannot be built."""
        from orchestrator.kernels.obtain import identity_of

        return identity_of(kernel)

    def differences(self, facts: Facts) -> list[str]:
        """Return how the booted machine differs from what the file asks for, one message each."""
        return []

    @abstractmethod
    def reconnect(self) -> Host:
        """Connect again, without booting; raises ``HostError`` on failure."""

    def take_over(self) -> None:  # noqa: B027 - most machines boot no kernel
        """Let :meth:`restore_kernel` restore what an earlier controller of the run has booted and installed.

        Only for who has locked the host: another run may need that kernel.
        """

    def restore_kernel(self) -> Host | None:
        """Boot the machine's own kernel again and remove installed ones, if it can be reached.

        Returns the connected host; None where nothing was changed.
        """
        return None

    @abstractmethod
    def close(self) -> None:
        """Close the connection; remove the machine if the provider created it. May be called twice."""
