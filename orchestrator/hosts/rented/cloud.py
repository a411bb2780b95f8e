"""The contract of a cloud: five verbs, each safe to repeat for the same run.

The cloud's own tags say which resources belong to a run. No local file does, so that a killed controller, or one on
another machine, finds all of them.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from datetime import datetime
from typing import ClassVar, Literal

from msgspec import Struct

from orchestrator.errors import HostError
from orchestrator.experiment.model import Needs
from orchestrator.hosts.rented.machine_types import MachineType

State = Literal["starting", "running", "ended"]


class NoCapacity(HostError):
    """The cloud has no machine of a type in a zone now; another type or zone may do."""


class NotConfigured(HostError):
    """The library or the credentials of a cloud are missing on this controller."""


class Access(Struct, frozen=True):
    """What a new machine needs to be reached by its controller alone.

    :ivar public_key: the run's public key, as in ``authorized_keys``.
    :ivar user_data: cloud-init's configuration, with the machine's first host key.
    """

    public_key: str
    user_data: str


class Instance(Struct, frozen=True):
    """A rented machine as its cloud reports it.

    :ivar zone: where it is.
    :ivar address: the name or IP address for SSH; empty while there is none.
    :ivar reason: why it ended, in the cloud's words.
    :ivar deadline: when the cloud ends it (UTC), by its own tags; None: they do not say.
    """

    id: str
    type: str
    state: State
    zone: str = ""
    address: str = ""
    reason: str = ""
    deadline: datetime | None = None


class Cloud(ABC):
    """One account of a cloud. A subclass translates the errors of its library into ``HostError`` and ``BadInput``.

    :cvar lists_types: whether :meth:`offered` finds types where :meth:`estimate` knows none.
    """

    lists_types: ClassVar[bool] = False

    @property
    @abstractmethod
    def user(self) -> str:
        """The user who logs in to the machines."""

    @property
    @abstractmethod
    def location(self) -> str:
        """Account and region as text, for messages."""

    @property
    def interrupts(self) -> bool:
        """Whether the cloud may end a machine before its deadline, see :meth:`interruption`."""
        return False

    def interruption(self, instance: Instance) -> str:
        """Return why the cloud interrupts a machine: within minutes, or it has already done so. Empty: it does not."""
        return ""

    @property
    def end(self) -> str:
        """What ends a machine at its deadline, as text for plans; empty: always the cloud itself."""
        return ""

    @property
    def hints(self) -> tuple[str, ...]:
        """Hints on machine types of the file that may be mistyped. Contacts nobody."""
        return ()

    @abstractmethod
    def estimate(self, needs: Needs) -> Sequence[MachineType]:
        """Return the types that meet the needs, in the order in which they are tried. Contacts nobody."""

    def offered(self, needs: Needs) -> Sequence[MachineType]:
        """Return the types to try, as :meth:`estimate`; may ask the cloud which ones it has."""
        return self.estimate(needs)

    @abstractmethod
    def create(
        self, run: str, machine_type: MachineType, count: int, access: Access, deadline: datetime
    ) -> Sequence[Instance]:
        """Rent ``count`` machines for a run until ``deadline`` (UTC), enforced by the cloud itself where it can do so.

        All of them are in one place. Returns the run's machines if it has some; their deadline may be an earlier one.
        Raises ``NoCapacity`` if there are not enough, or ``HostError`` with the next step.
        """

    def end_at(self, run: str, instance: Instance, deadline: datetime) -> None:
        """Let the cloud end a machine of an earlier controller at ``deadline`` (UTC), if it does not do so already."""
        return

    @abstractmethod
    def find(self, run: str) -> Sequence[Instance]:
        """Return the machines that are tagged with a run, those that ended a short time ago as well."""

    @abstractmethod
    def reach(self, instance: Instance) -> str:
        """Return the address for SSH; give the machine one if it needs that.

        Raises ``HostError`` while there is none, ``NoCapacity`` if there will be none.
        """

    @abstractmethod
    def destroy(self, run: str) -> Sequence[str]:
        """Remove every resource that is tagged with a run; return the removed ones, once they are gone."""

    @abstractmethod
    def power_cycle(self, instance: Instance) -> None:
        """Reset a machine that does not answer."""

    @abstractmethod
    def runs(self) -> Sequence[str]:
        """Return the runs that have resources here."""

    @abstractmethod
    def everywhere(self) -> Sequence[Cloud]:
        """Return the same account in each of its regions."""
