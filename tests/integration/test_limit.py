"""``--limit`` leaves the hosts that Ansible leaves."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.calls import orchestrate
from tests.integration import ansible_limits

pytest.importorskip("ansible")

INVENTORY = """\
lonely
[numa]
numa[1:4]
n-a.example
[rack1]
numa2
numa3
10.0.0.[1:2]
[rack2]
numa4
[racks:children]
rack1
rack2
"""
PATTERNS = [
    *("numa1", "rack1", "all", "*", "ungrouped", "lonely", "numa1,numa4", "numa1:numa4", " numa1 , rack2 "),
    *("numa*", "numa?", "numa[13]", "n*.example", "10.0.0.*", "10.0.0.1", "a*", "r*", "un*"),
    *("!numa1", "numa:!numa1", "!numa1:numa", "numa:&rack1", "&rack1:numa:!numa2", "racks:&numa,", "!racks,numa*"),
    *("numa[0]", "numa[-1]", "numa[1:2]", "numa[1:]", "numa[9]", "racks[0:0]", "rack*[1]", "numa[0]:numa[2]"),
    *("~numa[12]$", "~(numa|lone).*", "~rack[0-9]", "nothing*", "numa1:!numa1", "numa1:22", "@keep"),
]  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("limit")
    (made / "hosts.ini").write_text(INVENTORY)
    (made / "keep").write_text("numa2\n  rack2\n\n")
    return made


@pytest.fixture(scope="module")
def ansible(folder: Path) -> dict[str, list[str]]:
    program = [sys.executable, ansible_limits.__file__, "hosts.ini", *PATTERNS]
    ended = subprocess.run(program, cwd=folder, capture_output=True, text=True, check=True)
    left: dict[str, list[str]] = json.loads(ended.stdout)
    return left


@pytest.mark.parametrize("pattern", PATTERNS)
def test_as_ansible_limits_hosts(folder: Path, ansible: dict[str, list[str]], pattern: str) -> None:
    ended = orchestrate("hosts", "list", "-i", "hosts.ini", "-l", pattern, folder=folder)
    hosts = [line.split()[0] for line in ended.stdout.splitlines()[2:]]
    assert sorted(hosts) == sorted(ansible[pattern]), ended.stderr
    assert ended.returncode == (0 if hosts else 2)
    assert ended.stderr.count("\n") == (not hosts)
