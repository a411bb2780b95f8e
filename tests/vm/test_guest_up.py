"""A persistent guest: started, used by a run, stopped."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from orchestrator.cache import cache_folder
from tests.running import User

NAME = f"persistent-{os.getpid()}"
FILE = f"""
name: {NAME}
hosts:
  provider: qemu
  qemu: {{nodes: [{{cpus: 1, memory: 512MiB}}], acceleration: tcg, MACHINE}}
benchmark: {{command: [echo, x=1], metrics: {{x: {{key_value: x, unit: s}}}}}}
repetitions: 1
"""


UNTRUE = "its kernel was started with orchestrate.clock=instructions, but its clock runs as ours does"


@pytest.mark.parametrize(
    ("machine", "label", "notes"),
    [
        ("clock: instructions", ("vm-icount", "instructions"), 0),
        ("clock: wall, append: orchestrate.clock=instructions", ("vm-tcg", "wall"), 1),
    ],
)
def test_a_guest_that_is_up_has_its_own_label(
    tmp_path: Path, machine: str, label: tuple[str, str], notes: int
) -> None:
    user = User(tmp_path)
    file = user.file(FILE.replace("MACHINE", machine), boot="300s")
    inventory = cache_folder() / "up" / NAME / "inventory.yaml"
    try:
        made = user.orchestrate("hosts", "up", file)
        assert made.code == 0, made.err
        assert made.out == f"guest is up; --host guest --inventory {inventory}\n"
        again = user.orchestrate("hosts", "up", file)
        assert again.code == 2
        assert "is already up: " in again.complaints[0]
        ran = user.run(file, "--host", "guest", "--inventory", inventory)
        assert ran.code == 0, ran.err
        user.assert_complete(1)
        (block,) = (line for line in user.records if line["type"] == "block")
        assert (block["environment"], block["clock"]) == label
        assert ran.err.count(UNTRUE) == notes
    finally:
        ended = user.orchestrate("hosts", "down", NAME)
        user.close()
    assert ended.out == f"{NAME}: stopped\n"
    assert not inventory.parent.exists()
    assert user.orchestrate("hosts", "down", NAME).out == f"no guest of {NAME} is up\n"


def test_existing_hosts(tmp_path: Path) -> None:
    user = User(tmp_path)
    made = user.orchestrate(
        "hosts", "up", user.file(FILE.replace("MACHINE", "clock: wall")), "--host", "local"
    )
    assert made.code == 0
    assert made.out == "nothing to start: the local provider uses existing hosts\n"
