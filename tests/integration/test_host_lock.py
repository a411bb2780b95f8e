"""The lock of a host, as its shell script keeps it; `test_fleet.py` has what users see of it."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path

import pytest

from tests.host_shells import SHELLS, TIME_LIMIT_S, HostFolder

BOOT = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
HERE = f"{BOOT}.{Path('/proc/self/ns/pid').stat().st_ino}"
FULL = f'ln -s /dev/full "$1/lock.{HERE}.$$"; shift; exec "$@"'
"""The file that the script writes first is there, and takes nothing: the process keeps its number."""

STOP = """
PROGRAM() { [ -n "$stopped" ] || { stopped=yes; kill -STOP $$; }; command PROGRAM "$@"; }
. "$0"
"""
"""Runs a script that is stopped before it first calls a program."""

NO_LINKS = 'ln() { echo "ln: Operation not permitted" >&2; return 1; }; . "$0"'
"""Runs a script where no file can have a second name."""


@pytest.fixture(params=SHELLS)
def host(request: pytest.FixtureRequest, tmp_path: Path) -> HostFolder:
    made = HostFolder(request.param, tmp_path)
    made.base.mkdir()
    return made


def lock_sh(host: HostFolder, *words: str) -> subprocess.CompletedProcess[bytes]:
    verb, *others = words
    return host.sh(host.runner_script.with_name("lock.sh"), verb, host.base, *others)


def files(host: HostFolder) -> list[str]:
    return sorted(path.name for path in host.base.iterdir())


class Stopped:
    """A process of the script that is stopped before it first calls ``program``; :meth:`go_on` lets it end."""

    def __init__(self, host: HostFolder, program: str, *words: str) -> None:
        verb, *others = words
        script = host.runner_script.with_name("lock.sh")
        self._process = subprocess.Popen(
            [host.shell, "-c", STOP.replace("PROGRAM", program), script, verb, host.base, *others],
            env=host.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        assert os.WIFSTOPPED(os.waitpid(self._process.pid, os.WUNTRACED)[1])

    def go_on(self) -> subprocess.CompletedProcess[bytes]:
        self._process.send_signal(signal.SIGCONT)
        out, err = self._process.communicate(timeout=TIME_LIMIT_S)
        return subprocess.CompletedProcess(self._process.args, self._process.returncode, out, err)

    def kill(self) -> None:
        self._process.kill()
        self._process.communicate()


def test_a_lock_on_a_full_disk_says_so_and_leaves_nothing(host: HostFolder) -> None:
    host.prefix = ("/bin/sh", "-c", FULL, "sh", str(host.base))
    taken = lock_sh(host, "take", "a line")
    assert taken.returncode == 1
    assert b"No space left on device" in taken.stderr
    assert not taken.stdout
    assert not files(host)


def test_who_takes_the_lock_removes_what_killed_ones_have_left(host: HostFolder) -> None:
    Stopped(host, "sync", "take", "another line").kill()
    assert len(files(host)) == 1
    for name in ("lock.old.another-boot.1.1", "lock.123", "lock.old.124"):  # the last two: of older versions
        (host.base / name).write_text("another line\n")
    assert lock_sh(host, "take", "a line").returncode == 0
    assert files(host) == ["lock"]
    assert lock_sh(host, "take", "third line").stdout == b"a line\n"
    assert lock_sh(host, "take", "new line", "a line").returncode == 0
    assert (host.base / "lock").read_text() == "new line\n"
    assert files(host) == ["lock"]


@pytest.mark.parametrize("program", ["sync", "ln"])
def test_who_comes_second_is_told_the_line_of_the_first(host: HostFolder, program: str) -> None:
    second = Stopped(host, program, "take", "second line")
    assert lock_sh(host, "take", "first line").returncode == 0
    ended = second.go_on()
    assert (ended.returncode, ended.stdout) == (3, b"first line\n"), ended.stderr
    assert files(host) == ["lock"]


@pytest.mark.parametrize("program", ["sync", "ln"])
def test_who_comes_second_takes_a_lock_that_is_free_again(host: HostFolder, program: str) -> None:
    second = Stopped(host, program, "take", "second line")
    assert lock_sh(host, "take", "first line").returncode == 0
    assert lock_sh(host, "release", "first line").returncode == 0
    ended = second.go_on()
    assert ended.returncode == 0, ended.stderr
    assert (host.base / "lock").read_text() == "second line\n"
    assert files(host) == ["lock"]


def test_a_file_that_a_machine_with_the_same_home_directory_removes_is_no_full_disk(host: HostFolder) -> None:
    second = Stopped(host, "sync", "take", "second line")
    (left,) = host.base.iterdir()
    left.unlink()
    (host.base / "lock").write_text("first line\n")
    ended = second.go_on()
    assert (ended.returncode, ended.stdout) == (3, b"first line\n")


def test_a_lock_that_is_gone_when_it_is_to_be_shown_is_no_line(host: HostFolder) -> None:
    (host.base / "lock").write_text("first line\n")
    second = Stopped(host, "rm", "take", "second line")
    assert lock_sh(host, "release", "first line").returncode == 0
    ended = second.go_on()
    assert (ended.returncode, ended.stdout) == (3, b"")
    assert not files(host)


def test_a_file_system_without_hard_links_is_the_reason_in_one_line(host: HostFolder) -> None:
    script = host.runner_script.with_name("lock.sh")
    taken = subprocess.run(
        [host.shell, "-c", NO_LINKS, script, "take", host.base, "a line"],
        env=host.environment,
        capture_output=True,
        check=False,
    )
    assert (taken.returncode, taken.stdout) == (3, b"")
    assert taken.stderr == b"ln: Operation not permitted\n"
    assert not files(host)


def test_files_of_another_pid_namespace_are_left(host: HostFolder) -> None:
    theirs = f"lock.old.{BOOT}.1.{os.getpid()}"
    (host.base / theirs).write_text("their line\n")
    assert lock_sh(host, "take", "a line").returncode == 0
    assert files(host) == ["lock", theirs]


def test_of_two_that_take_a_stale_lock_over_the_second_leaves_the_lock_of_the_first(host: HostFolder) -> None:
    (host.base / "lock").write_text("stale line\n")
    second = Stopped(host, "mv", "take", "second line", "stale line")
    assert lock_sh(host, "take", "first line", "stale line").returncode == 0
    ended = second.go_on()
    assert (ended.returncode, ended.stdout) == (3, b"first line\n")
    assert files(host) == ["lock"]


def test_a_lock_that_another_one_has_moved_is_left_to_it(host: HostFolder) -> None:
    (host.base / "lock").write_text("stale line\n")
    second = Stopped(host, "rm", "take", "second line", "stale line")
    theirs = files(host)
    assert lock_sh(host, "take", "first line").returncode == 0
    assert files(host) == ["lock", *theirs]
    ended = second.go_on()
    assert (ended.returncode, ended.stdout) == (3, b"first line\n")
    assert files(host) == ["lock"]


def test_the_lock_of_another_is_not_moved(host: HostFolder) -> None:
    assert lock_sh(host, "take", "first line").returncode == 0
    before = (host.base / "lock").stat().st_ctime_ns
    assert lock_sh(host, "take", "second line", "stale line").returncode == 3
    assert lock_sh(host, "release", "second line").returncode == 0
    assert (host.base / "lock").read_text() == "first line\n"
    assert (host.base / "lock").stat().st_ctime_ns == before


@pytest.mark.parametrize("kind", ["a directory", "a link to one", "a FIFO"])
def test_a_lock_that_is_no_file_is_refused(host: HostFolder, kind: str) -> None:
    lock = host.base / "lock"
    if kind == "a FIFO":
        os.mkfifo(lock)
    elif kind == "a directory":
        lock.mkdir()
    else:
        lock.symlink_to(host.base)
    before = files(host)
    for words in (["take", "a line"], ["take", "a line", ""], ["show"]):
        ended = lock_sh(host, *words)
        assert (ended.returncode, ended.stdout) == (1, b"")
        assert ended.stderr.decode() == f"{lock} is not a regular file; remove it\n"
    assert files(host) == before
    assert kind == "a FIFO" or not list(lock.glob("lock.*"))


@pytest.mark.parametrize("kind", ["empty", "a link to nothing"])
def test_a_lock_without_a_line_is_held_until_it_is_released(host: HostFolder, kind: str) -> None:
    lock = host.base / "lock"

    def leave() -> None:
        lock.write_text("") if kind == "empty" else lock.symlink_to("nothing")

    leave()
    taken, shown = lock_sh(host, "take", "a line"), lock_sh(host, "show")
    assert (taken.returncode, taken.stdout) == (3, b"\n")
    assert (shown.returncode, shown.stdout) == (0, b"\n")
    assert lock_sh(host, "release", "").returncode == 0
    assert not files(host)
    leave()
    assert lock_sh(host, "take", "a line", "").returncode == 0
    assert lock.read_text() == "a line\n"
    assert files(host) == ["lock"]
    assert not lock.is_symlink()
