"""A guest for the test session, and a provider for others."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from orchestrator.experiment.model import Kernel, Needs
from orchestrator.hosts.base import Host, Machine
from orchestrator.hosts.provider import ProviderRequest
from orchestrator.hosts.providers.qemu import QemuProvider
from tests.running import User
from tests.vm.disk_machine import DiskMachine, disk_machine

BOOT_LIMIT_S = 300.0
"""Time limit for a busy machine; no test measures it."""

TWO_NODES = {
    "nodes": [{"cpus": 2, "memory": "512MiB"}, {"cpus": 1, "memory": "512MiB"}],
    "distances": [[10, 25], [25, 10]],
    "clock": "wall",
    "acceleration": "tcg",
}

STOCK = Kernel("stock")


def qemu_provider(options: dict[str, Any], boot_limit: float = BOOT_LIMIT_S) -> QemuProvider:
    """Return the provider that a run would use."""
    return QemuProvider(ProviderRequest(Needs(), options, boot_limit=boot_limit))


@dataclass(frozen=True)
class BootedGuest:
    """A running guest: its machine, a connection, and the directory of its logs."""

    machine: Machine
    host: Host
    log_folder: Path


@pytest.fixture(scope="session")
def tcg_guest(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BootedGuest]:
    """Two nodes (2 CPUs and 1 CPU) under multi-threaded emulation. Shared: tests must not leave changes."""
    logs = tmp_path_factory.mktemp("guest")
    with qemu_provider(TWO_NODES).machine(logs) as machine:
        yield BootedGuest(machine, machine.boot(STOCK), logs)


@pytest.fixture(scope="session")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DiskMachine]:
    """A server with a BIOS that boots from its disk, with power control. Shared: tests must not leave changes."""
    with disk_machine(tmp_path_factory.mktemp("machine")) as machine:
        yield machine


@pytest.fixture
def user(machine: DiskMachine, tmp_path: Path) -> Iterator[User]:
    """A user with the inventory of :func:`machine`."""
    machine.write_inventory(machine.power)
    user = User(tmp_path, ("--inventory", str(machine.inventory)))
    yield user
    user.close()
