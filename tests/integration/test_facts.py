"""Facts of this machine, gathered under each shell."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from orchestrator.experiment.model import Needs
from orchestrator.hosts import facts
from tests.host_shells import SHELLS, environment_of


def gather(shell: str, folder: Path) -> facts.Facts:
    done = subprocess.run(
        facts.command().argv, capture_output=True, text=True, check=True, env=environment_of(shell, folder)
    )
    assert done.stderr == ""
    return facts.parse(done.stdout)


@pytest.mark.parametrize("shell", SHELLS)
def test_this_machine(shell: str, tmp_path: Path) -> None:
    found = gather(shell, tmp_path)
    assert found.release == os.uname().release
    assert found.boot_id == Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    assert found.user_id == os.getuid()
    assert found.cpus == os.cpu_count()
    assert found.command_line == Path("/proc/cmdline").read_text().strip()
    assert sum(node.memory for node in found.nodes) > 0
    assert all(0 < node.free <= node.available <= node.memory for node in found.nodes if node.memory)
    assert found.build_id == build_id(Path("/sys/kernel/notes"))
    assert set(found.compilers) == (set() if shell == "busybox" else set(found.compilers))
    assert json.loads(json.dumps(found.document)) == found.document
    assert facts.unmet(Needs(), found) == []


def build_id(notes: Path) -> str:
    """The GNU build id, read another way than by facts.sh."""
    try:
        data = notes.read_bytes()
    except OSError:
        return ""
    at = data.find(b"\x03\0\0\0GNU\0")
    length = int.from_bytes(data[at - 4 : at], "little")
    return data[at + 8 : at + 8 + length].hex() if at > 0 else ""
