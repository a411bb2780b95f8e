"""Inventories are read as ``ansible-inventory --list`` reads them: hosts, groups, variables, addresses."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from orchestrator.hosts.inventory.connection import OtherConnection
from orchestrator.hosts.inventory.inventory import Inventory, load
from orchestrator.hosts.inventory.variables import EncryptedValue, Unsafe
from tests.integration import ansible_lists
from tests.integration.inventory_samples import SAMPLES

pytest.importorskip("ansible")


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, tuple[Path, str]]:
    """Each sample's directory with its files and what Ansible says in ``ansible.json``, and the inventory in it."""
    made = {}
    for number, (name, files) in enumerate(SAMPLES.items()):
        folder = tmp_path_factory.mktemp(f"inventory{number}")
        for path, text in files.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_text(text)
        made[name] = (folder, next(iter(files)))
    paths = [f"{folder}//{inventory}" for folder, inventory in made.values()]
    config = tmp_path_factory.mktemp("config") / "ansible.cfg"
    config.touch()
    program = [sys.executable, ansible_lists.__file__, *paths]
    subprocess.run(
        program, check=True, env={**os.environ, "ANSIBLE_CONFIG": str(config)}, capture_output=True
    )
    return made


@pytest.mark.parametrize("name", SAMPLES)
def test_as_ansible_inventory_lists_it(
    name: str, folders: Mapping[str, tuple[Path, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, file = folders[name]
    expected = json.loads((folder / "ansible.json").read_text())
    monkeypatch.chdir(folder)
    inventory = load(Path(file))
    listed = expected["listed"]
    assert {group: set(hosts) for group, hosts in inventory.groups.items() if hosts} == groups(listed)
    variables = {host: plain(inventory.variables(host)) for host in inventory.group("all")}
    assert {host: values for host, values in variables.items() if values} == listed["_meta"]["hostvars"]
    for host, options in expected["addresses"].items():
        assert address(inventory, host) in (options, None), host


def groups(listed: Mapping[str, Any]) -> dict[str, set[str]]:
    """Return the hosts of each group of ``ansible-inventory --list``, those of its children included."""

    def members(name: str) -> set[str]:
        group = listed.get(name, {})
        return {
            *group.get("hosts", ()),
            *(host for child in group.get("children", ()) for host in members(child)),
        }

    return {name: hosts for name in listed if name != "_meta" and (hosts := members(name))}


def plain(value: Any) -> Any:
    """Return variables as Ansible prints them in JSON."""
    if isinstance(value, Mapping):
        return {key: plain(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [plain(inner) for inner in value]
    if isinstance(value, EncryptedValue):
        return {"__ansible_vault": value.text}
    return {"__ansible_unsafe": str(value)} if isinstance(value, Unsafe) else value


def address(inventory: Inventory, host: str) -> dict[str, Any] | None:
    """Return an address in the terms of Ansible's plugin; None for a host with another connection."""
    try:
        ours = inventory.address(host)
    except OtherConnection:
        return None
    key = str(ours.identity_file) if ours.identity_file else None
    return {
        "host": ours.host,
        "port": ours.port,
        "user": ours.user,
        "key": key,
        "words": [*ours.first_options, *ours.options],
    }
