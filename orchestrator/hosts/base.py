"""The two contracts of this package: a connected host, and a provider that makes and removes hosts."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import AbstractContextManager
from enum import StrEnum
from pathlib import Path
from typing import ClassVar, Protocol

from orchestrator.hosts.command import Command, Completed
from orchestrator.spec.model import Kernel


class Environment(StrEnum):
    """Where a number was made. Printed beside every number and never mixed in a comparison."""

    METAL = "metal"
    CLOUD_METAL = "cloud-metal"
    VM_KVM = "vm-kvm"
    VM_ICOUNT = "vm-icount"
    VM_TCG = "vm-tcg"
    VM_OTHER = "vm-other"


class Host(Protocol):
    """A host that can be reached now. All errors are :class:`~orchestrator.errors.HostError`."""

    name: str

    def run(self, command: Command) -> Completed:
        """Run to the end and return; raise ``CommandFailed`` on another exit code than the accepted ones."""

    def put(self, content: Path | bytes, path: str, mode: int = 0o644) -> None:
        """Write a file on the host, whole or not at all (a temporary name, then a rename)."""

    def lines(self, command: Command) -> Iterator[str]:
        """Yield the lines that the command prints, as they come, without their newline.

        Ends when the command ends; ``command.time_limit`` bounds the silence between two lines, not the whole.
        Closing the generator ends the command.
        """

    def close(self) -> None:
        """Close the connection; may be called twice."""


class Machine(ABC):
    """A machine that a provider holds for the length of a run; it lives through several boots."""

    name: str

    @abstractmethod
    def boot(self, kernel: Kernel) -> Host:
        """Return a connected host that runs ``kernel``.

        A guest is started anew on each call; a machine that cannot boot kernels connects to the one that runs.
        Raises ``HostError`` (unreachable) or ``KernelError`` (this kernel cannot be booted here).
        """

    @abstractmethod
    def environment(self) -> Environment | None:
        """What the provider knows of the environment; None: to be found out from the host's facts."""

    @abstractmethod
    def close(self) -> None:
        """Remove what the provider made, keep what it found; may be called twice."""


class Provider(ABC):
    """Makes machines. One file in ``providers/`` each, which registers itself under ``name``."""

    name: ClassVar[str]
    #: whether a machine can be booted again, hence whether trials can be spread over several boots
    boots_kernels: ClassVar[bool]

    @abstractmethod
    def machine(self, log_folder: Path) -> AbstractContextManager[Machine]:
        """Hold one machine that meets the experiment's needs; ``log_folder`` takes console logs."""
