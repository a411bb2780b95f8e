"""The interface of providers, which make machines available, with what a run asks of them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar

from msgspec import Struct, field

from orchestrator.experiment.model import Kernel, Needs
from orchestrator.hosts.base import Machine

if TYPE_CHECKING:
    from orchestrator.hosts.batch import BatchSystem


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
    :cvar always_answers: whether no network can keep its hosts from answering.
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
    always_answers: ClassVar[bool] = False
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
