"""Interfaces of this package: a connected host, a machine that can be booted, a provider of machines."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, closing
from datetime import datetime
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar

from msgspec import Struct, field
from msgspec.structs import replace

from orchestrator.environments import Environment
from orchestrator.errors import CommandFailed, HostError, OutputTooLarge
from orchestrator.experiment.model import Kernel, Needs
from orchestrator.hosts.command import Command, Completed, script
from orchestrator.hosts.facts_model import Facts
from orchestrator.kernels.verification import Identity
from orchestrator.units import format_size

if TYPE_CHECKING:
    from orchestrator.hosts.batch import BatchSystem

TICK_S = 0.5
"""Seconds after which :meth:`Host.batches` yields None while the host prints nothing."""


class TooMuchOutput(Exception):
    """A command has printed more than it may."""


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

        ``TimeoutError`` after ``time_limit`` seconds, :class:`TooMuchOutput` after ``most`` bytes on stdout.
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
        """Whether commands run as root without sudo. The host is asked once."""
        if self._root is None:
            printed = self.run(Command(("id", "-u"))).stdout.strip()
            if not printed.isdecimal():
                raise HostError(
                    f"{self.name}: the login shell prints {printed[:60]!r} where the output of a command is expected; "
                    "it must print nothing unless it is interactive (scp and rsync need that, too): see its start files"
                )
            self._root = printed == "0"
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
        except TooMuchOutput:
            most = format_size(command.most)
            raise OutputTooLarge(f"{self.name}: more than {most} of output from {command.shown}") from None
        except TimeoutError:
            raise CommandFailed(
                f"{self.name}: timed out after {command.time_limit:g} s: {command.shown}"
            ) from None
        return self.check_exit_code(command, code, out.decode(errors="replace"), err.decode(errors="replace"))

    def check_exit_code(self, command: Command, code: int, stdout: str, stderr: str = "") -> Completed:
        """Return the result of a command; raise ``CommandFailed`` if its exit code is not accepted."""
        if code not in command.accept:
            output = (stderr or stdout).strip().splitlines()
            last_line = f": {output[-1]}" if output else ""
            raise CommandFailed(f"{self.name}: exit code {code} from {command.shown}{last_line}")
        return Completed(command, code, stdout, stderr)

    def put(self, content: Path | bytes, path: str, mode: int = 0o644, *, sudo: bool = False) -> None:
        """Write a file on the host atomically (temporary file, then rename). Creates the directory.

        Raises ``CommandFailed`` that names the file.
        """
        data = content if isinstance(content, bytes) else content.read_bytes()
        write = (
            'mkdir -p "$(dirname "$1")" && (umask 077 && cat > "$1.$$") && chmod "$2" "$1.$$" && mv -f "$1.$$" "$1"'
            ' || { rm -f "$1.$$"; exit 1; }'
        )
        words = (path, f"{mode:o}")
        done = self.run(script(write, *words, sudo=sudo, stdin=data, time_limit=300, accept=(0, 1)))
        if done.exit_code:
            reason = (done.stderr.strip() or "exit code 1").splitlines()[-1]
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


class ProviderRequest(Struct, frozen=True):
    """Options for a provider: from the experiment file (``hosts:``) and the command line, which takes precedence.

    :ivar options: the provider's own section of the file, validated against its ``options_schema``.
    :ivar guest: the section ``hosts.qemu`` of the file, for providers that boot guests on their hosts.
    :ivar fleet: how the hosts of a fleet share the cells, as in the file; empty: one host is requested.
    :ivar host: ``--host``; empty if not given. ``limit``: the pattern of ``--limit``; empty: all hosts.
    :ivar boot_limit: seconds within which a machine must answer after a boot.
    :ivar max_hours: hours after which a rented machine must be given back; 0: not set.
    """

    needs: Needs
    options: Mapping[str, Any]
    group: str = ""
    fleet: str = ""
    host: str = ""
    limit: str = ""
    inventory: Path | None = None
    ssh_config: Path | None = None
    allow_local_changes: bool = False
    boot_limit: float = 300.0
    max_hours: float = 0.0
    guest: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))


class Quote(Struct, frozen=True):
    """The expected cost of a rented machine.

    :ivar machine_type: the type that is tried first; ``types``: all types, in order.
    :ivar hours: estimated duration.
    :ivar price: list price in USD per hour; None: unknown.
    :ivar price_date: date of the price list (ISO 8601); empty: the price is that of the experiment file.
    :ivar spot: whether the price is the highest one, because that of spot instances varies.
    :ivar end: what ends the machine if the controller does not; empty: see docs/clouds.md.
    :ivar hints: on machine types of the experiment file that may be mistyped.
    :ivar count: number of machines, each of which is rented for ``hours``.
    """

    machine_type: str
    types: tuple[str, ...]
    hours: float
    price: float | None
    price_date: str
    end: str = ""
    spot: bool = False
    hints: tuple[str, ...] = ()
    count: int = 1

    @property
    def cost(self) -> float | None:
        """Expected cost in USD; None: unknown."""
        return None if self.price is None else self.price * self.hours * self.count

    def __str__(self) -> str:
        source = f"list price of {self.price_date}" if self.price_date else "price of the experiment file"
        cost = "price unknown"
        if self.cost is not None:
            about = "spot instance, at most about" if self.spot else "about"
            cost = f"{about} {self.cost:.2f} USD at {self.price:g} USD/h ({source})"
        others = f"; else {', '.join(self.types[1:])}" if len(self.types) > 1 else ""
        machines = f"{self.count} machines: " if self.count > 1 else ""
        return f"{machines}{self.machine_type} for about {self.hours:.1f} h: {cost}{others}"


class Provider(ABC):
    """Provides machines. One file in ``providers/`` each. A subclass is registered by its ``name`` when it is imported.

    :cvar options_schema: JSON Schema of the provider's own section under ``hosts:``.
    :ivar boots_kernels: whether machines can be booted, so that trials can be spread over several boots.
    :cvar creates_hosts: whether it creates its hosts and removes them at the end of the run.
    :cvar rents: whether its hosts are machines of a cloud; their facts may not show that.
    :cvar waits_for_end: whether a run that is to stop now is waited for: rented machines must be given back, and no
        network can keep this machine from answering.
    :cvar supports_fleets: whether it can provide several machines at once.
    :cvar supports_limit: whether it chooses its hosts among several, of which ``--limit`` leaves some.
    :cvar uses_inventory: whether hosts of an inventory can be named in the experiment file.
    :ivar hosts: names of the fleet's hosts, in order; empty without a fleet, and where names are not known before.
    :ivar other_hosts: hosts of the fleet's group that it cannot connect to, each with the reason.
    :ivar host_count: number of hosts that share the cells, for estimates.
    :ivar location: where the trials run, as text.
    :ivar changes_allowed: whether the host's settings may be changed without ``--allow-local-changes``.
    :ivar batch: the batch system that runs each block as a job; None: the controller runs blocks itself.
    :ivar note: takes a line of progress for the user; set by the run.
    :ivar stopped_by: returns the signal or limit that wants the run to stop; empty: nothing does. Set by the run.
    :ivar duration: estimated seconds of what is left of the run; set by the run.
    :ivar boot_estimate: seconds from the request for a machine to its first trial, for plans.
    """

    name: ClassVar[str]
    location: str
    options_schema: ClassVar[Mapping[str, Any]]
    boots_kernels: bool = False
    creates_hosts: ClassVar[bool] = False
    rents: ClassVar[bool] = False
    waits_for_end: ClassVar[bool] = False
    supports_fleets: ClassVar[bool] = False
    supports_limit: ClassVar[bool] = False
    uses_inventory: ClassVar[bool] = False
    hosts: tuple[str, ...] = ()
    host_count: int = 1
    other_hosts: Mapping[str, str] = MappingProxyType({})
    changes_allowed: bool = True
    batch: BatchSystem | None = None
    note: Callable[[str], None] = staticmethod(lambda _text: None)
    stopped_by: Callable[[], str] = staticmethod(lambda: "")
    duration: float = 0.0
    boot_estimate: float = 2.0

    @abstractmethod
    def __init__(self, request: ProviderRequest) -> None:
        """Check the request; ``BadInput`` names invalid options. Connects to no host."""

    @property
    def is_fleet(self) -> bool:
        """Whether it provides several machines at once."""
        return bool(self.hosts) or self.host_count > 1

    @property
    def candidates(self) -> tuple[str, ...]:
        """The hosts of which a run uses one or, of a fleet, all; empty where names are not known before."""
        return self.hosts

    @property
    def at_once(self) -> int:
        """How many machines it can provide at the same time for blocks that do not depend on each other."""
        return 1

    @property
    def expected_at_once(self) -> int:
        """What :attr:`at_once` probably is; nothing is started to know it."""
        return 1

    @property
    def expected_environment(self) -> str:
        """The probable environment of its hosts; nothing is started to know it. Empty: not known."""
        return ""

    @property
    def scope(self) -> str:
        """The location as part of the run's scope: a run is resumed only at the same location."""
        return self.location

    def shown(self, host: str = "") -> str:
        """Return in words where trials run.

        :param host: a host of the fleet; empty without a fleet.
        """
        return self.location

    def connections(self, host: str = "") -> Iterator[Sequence[str]]:
        """Yield the commands of ``ssh`` that connect to a host as the provider does; none without SSH.

        :param host: a host of the fleet; empty: all candidates.
        """
        yield from ()

    def controls(self, host: str = "") -> Iterator[tuple[str, str, Any]]:
        """Yield what the inventory has the controller do about a host: its name, ``power`` or ``console``, the value.

        :param host: a host of the fleet; empty: all candidates.
        """
        yield from ()

    def kernel(self, kernel: Kernel) -> Kernel:
        """Return a kernel of the experiment file for the architecture of the provider's hosts."""
        return kernel

    def quote(self, seconds: float) -> Quote | None:
        """Return the cost of a run of an estimated duration; None where nothing is rented. Contacts nobody."""
        return None

    def describe(self, kernels: Iterable[str]) -> list[str]:
        """Return what a cluster can run, a line each; empty where there is no cluster. Submits nothing.

        :param kernels: names of an experiment's kernels.
        """
        return self.batch.describe(kernels) if self.batch else []

    @abstractmethod
    def machine(self, log_folder: Path) -> AbstractContextManager[Machine]:
        """Provide one machine for the length of the context; console logs are written to ``log_folder``."""

    def give_back(self, log_folder: Path) -> None:
        """Remove what a killed controller has left of a run that has no trial left to run; may be nothing."""
        return

    def printing_machine(self, host: str, print_line: Callable[[str], None]) -> Machine | None:
        """Return a machine for a dry run that prints the commands of its boots, with its variables in the inventory.

        None: a boot runs no commands, and there is no inventory.

        :param host: one of :attr:`candidates`; empty: of several the first one.
        """
        return None

    def machines(self, log_folder: Path) -> AbstractContextManager[Sequence[Machine]]:
        """Provide the machines of a fleet, one for each of :attr:`hosts` or as many as there are; may be connected."""
        raise NotImplementedError(f"the {self.name} provider does not support fleets")
