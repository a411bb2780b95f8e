"""The lock of a host, as its shell script keeps it; `test_fleet.py` has what users see of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.host_shells import SHELLS, HostFolder

FULL = 'ln -s /dev/full "$1/lock.$$"; shift; exec "$@"'
"""The file that the script writes first is there, and takes nothing: the process keeps its number."""


@pytest.mark.parametrize("shell", SHELLS)
def test_a_lock_on_a_full_disk_says_so_and_leaves_nothing(shell: str, tmp_path: Path) -> None:
    host = HostFolder(shell, tmp_path)
    host.base.mkdir()
    host.prefix = ("/bin/sh", "-c", FULL, "sh", str(host.base))
    taken = host.sh(host.runner_script.with_name("lock.sh"), "take", host.base, "a line")
    assert taken.returncode == 1
    assert b"No space left on device" in taken.stderr
    assert not taken.stdout
    assert not list(host.base.iterdir())


@pytest.mark.parametrize("shell", SHELLS)
def test_who_takes_the_lock_removes_what_killed_ones_have_left(shell: str, tmp_path: Path) -> None:
    host = HostFolder(shell, tmp_path)
    host.base.mkdir()
    lock_script = host.runner_script.with_name("lock.sh")
    for name in ("lock.123", "lock.old.124"):
        (host.base / name).write_text("another line\n")
    assert host.sh(lock_script, "take", host.base, "a line").returncode == 0
    assert [path.name for path in host.base.iterdir()] == ["lock"]
    assert host.sh(lock_script, "take", host.base, "third line").stdout == b"a line\n"
    assert host.sh(lock_script, "take", host.base, "new line", "a line").returncode == 0
    assert (host.base / "lock").read_text() == "new line\n"
