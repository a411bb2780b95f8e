"""Each fault once, with a fixed seed: ``python -m tests.chaos`` runs many more."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.chaos.campaign import run_one
from tests.chaos.faults import FAULTS
from tests.chaos.faults.fault import Fault
from tests.chaos.hosts.namespace import limits_memory
from tests.chaos.scene import World, a_world

SEED = 1
LEFT_OUT = (
    "controller: SIGHUP",
    "controller: SIGINT, then",
    "controller: SIGTERM, then",
    "controller that is the host: SIGTERM",
    "network: FIN",
    "network: no answers",
    "host: sshd, listener",
    "disk of the host: full for",
    "disk of the controller: full",
    "second controller: the same host",
    "journal: NUL",
    "journal: lines",
    "two at once, and",
)
"""Faults much like another one: CI has time for thirty."""

CHOSEN = [fault for fault in FAULTS if not fault.name.startswith(LEFT_OUT)]
OUT_OF_MEMORY = "benchmark: out of memory"


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    if (
        os.geteuid() != 0
        or subprocess.run(("unshare", "--mount", "--pid", "--fork", "true"), check=False).returncode
    ):
        pytest.skip("requires root and namespaces")
    # Not in /tmp: hosts have one of their own.
    with tempfile.TemporaryDirectory(prefix="chaos-", dir="/var/tmp") as name, a_world(Path(name)) as world:
        yield world


@pytest.mark.parametrize("fault", CHOSEN, ids=lambda fault: fault.name)
def test_nothing_is_lost_or_left(world: World, fault: Fault) -> None:
    if fault.name == OUT_OF_MEMORY and not limits_memory():
        pytest.skip("requires control groups that limit memory")
    outcome = run_one(world, fault, SEED)
    assert not outcome.found.lines, outcome.line
