"""A guest never outlives its run."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.vm.conftest import BOOT_LIMIT_S

CONTROLLER = """
import sys, time
from pathlib import Path
from tests.vm.conftest import STOCK, TWO_NODES, qemu_provider
with qemu_provider(TWO_NODES).machine(Path(sys.argv[1])) as machine:
    machine.boot(STOCK)
    print("up", flush=True)
    time.sleep(3600)
"""


def guest_processes(logs: Path) -> list[int]:
    """Pids of QEMU and of its supervisor, found by the console log that only this test's guest has."""
    found = []
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if str(logs / "guest-1.console.log").encode() in entry.read_bytes():
                found.append(int(entry.parent.name))
        except OSError:
            continue
    return found


@pytest.fixture
def temporary() -> Iterator[Path]:
    """A directory for temporary files whose name leaves room for that of a socket."""
    with tempfile.TemporaryDirectory(prefix="guests-", dir="/tmp") as folder:
        yield Path(folder)


def parent(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


def wait_for(condition: Callable[[], bool], limit: float = BOOT_LIMIT_S) -> bool:
    deadline = time.monotonic() + limit
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.05)
    return condition()


@pytest.mark.parametrize("moment", ["booting", "up"])
def test_sigkill_of_the_controller_stops_the_guest(tmp_path: Path, temporary: Path, moment: str) -> None:
    controller = subprocess.Popen(
        [sys.executable, "-c", CONTROLLER, str(tmp_path)],
        stdout=subprocess.PIPE,
        env={**os.environ, "TMPDIR": str(temporary)},
        cwd=Path(__file__).parents[2],
    )
    try:
        assert controller.stdout
        if moment == "up":
            assert controller.stdout.readline() == b"up\n"
        assert wait_for(lambda: len(guest_processes(tmp_path)) == 2)
        assert list(temporary.iterdir())
        controller.send_signal(signal.SIGKILL)
        controller.wait()
        assert wait_for(lambda: not guest_processes(tmp_path), 20)
        assert wait_for(lambda: not list(temporary.iterdir()), 20)
    finally:
        controller.kill()
        controller.communicate()


def test_sigkill_of_the_supervisor_stops_the_guest_and_leaves_no_keys(
    tmp_path: Path, temporary: Path
) -> None:
    controller = subprocess.Popen(
        [sys.executable, "-c", CONTROLLER, str(tmp_path)],
        stdout=subprocess.PIPE,
        env={**os.environ, "TMPDIR": str(temporary)},
        cwd=Path(__file__).parents[2],
    )
    try:
        assert wait_for(lambda: len(guest_processes(tmp_path)) == 2)
        (supervisor,) = (pid for pid in guest_processes(tmp_path) if parent(pid) == controller.pid)
        os.kill(supervisor, signal.SIGKILL)
        assert wait_for(lambda: not guest_processes(tmp_path), 20)
        controller.wait(BOOT_LIMIT_S)
        assert not list(temporary.iterdir())
    finally:
        controller.kill()
        controller.communicate()
