"""Read an inventory and all that is asked of it."""

from __future__ import annotations

from pathlib import Path

from orchestrator.errors import OrchestratorError
from orchestrator.hosts.inventory.inventory import load
from tests.fuzz import ansible_stub, scratch
from tests.fuzz.target import raise_longest


def read_all(name: str, data: bytes) -> None:
    """Read an inventory file of this name."""
    ansible_stub.answer().write_bytes(b"n1 | SUCCESS => {\n}\n")
    read(scratch.write(f"inventory/{name}", data))


def read(path: Path) -> None:
    """Read an inventory; ask for the addresses and the groups of its first hosts."""
    found = load(path)
    refused: list[OrchestratorError] = []
    for host in list(found.hosts)[:20]:
        found.groups_of(host)
        found.unknown(f"{host}x")
        try:
            found.address_to_connect(host)
        except OrchestratorError as error:
            refused.append(error)
    raise_longest(refused)
