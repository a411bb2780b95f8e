"""A persistent guest: started, used by a run, stopped."""

from __future__ import annotations

import os
from pathlib import Path

from orchestrator.cache import cache_folder
from tests.running import User

NAME = f"persistent-{os.getpid()}"
FILE = f"""
name: {NAME}
hosts:
  provider: qemu
  qemu: {{nodes: [{{cpus: 1, memory: 512MiB}}], clock: wall, acceleration: tcg}}
benchmark: {{command: [echo, x=1], metrics: {{x: {{key_value: x, unit: s}}}}}}
repetitions: 1
"""


def test_up_and_down(tmp_path: Path) -> None:
    user = User(tmp_path)
    file = user.file(FILE, boot="300s")
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
    finally:
        ended = user.orchestrate("hosts", "down", NAME)
        user.close()
    assert ended.out == f"{NAME}: stopped\n"
    assert not inventory.parent.exists()
    assert user.orchestrate("hosts", "down", NAME).out == f"no guest of {NAME} is up\n"


def test_existing_hosts(tmp_path: Path) -> None:
    user = User(tmp_path)
    made = user.orchestrate("hosts", "up", user.file(FILE), "--host", "local")
    assert made.code == 0
    assert made.out == "nothing to start: the local provider uses existing hosts\n"
