"""A guest that stands outside of a run: brought up, used by a run, taken down."""

from __future__ import annotations

import os
from pathlib import Path

from orchestrator.cache import cache_folder
from tests.running import User

NAME = f"standing-{os.getpid()}"
FILE = f"""
name: {NAME}
hosts:
  provider: qemu
  qemu: {{nodes: [{{cpus: 1, memory: 512MiB}}], clock: wall, acceleration: tcg}}
benchmark: {{command: [echo, x=1], metrics: {{x: {{key_value: x, unit: s}}}}}}
repetitions: 1
"""


def test_a_guest_stands_until_it_is_taken_down(tmp_path: Path) -> None:
    user = User(tmp_path)
    file = user.file(FILE, boot="300s")
    inventory = cache_folder() / "up" / NAME / "inventory.yaml"
    try:
        made = user.orchestrate("hosts", "up", file)
        assert made.code == 0, made.err
        assert made.out == f"guest is up; --host guest --inventory {inventory}\n"
        again = user.orchestrate("hosts", "up", file)
        assert again.code == 2
        assert "it is up already" in again.complaints[0]
        ran = user.run(file, "--host", "guest", "--inventory", inventory)
        assert ran.code == 0, ran.err
        user.assert_complete(1)
    finally:
        ended = user.orchestrate("hosts", "down", NAME)
        user.close()
    assert ended.out == f"{NAME}: ended\n"
    assert not inventory.parent.exists()
    assert user.orchestrate("hosts", "down", NAME).out == "nothing is up\n"


def test_hosts_that_are_there_already(tmp_path: Path) -> None:
    user = User(tmp_path)
    made = user.orchestrate("hosts", "up", user.file(FILE), "--host", "local")
    assert made.code == 0
    assert made.out == "nothing to bring up: the local provider uses hosts that are there already\n"
