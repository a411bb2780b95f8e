"""``orchestrate shell`` in a guest: booted for it, with the benchmark in place, gone afterwards."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from tests.running import COMMAND, User
from tests.terminal import terminal

FILE = """
name: session
hosts:
  provider: qemu
  qemu: {nodes: [{cpus: 1, memory: 512MiB}, {cpus: 1, memory: 512MiB}], acceleration: tcg, clock: wall}
kernels: {first: default, second: {package: linux-image-cloud-amd64, command_line: orchestrate.second}}
tuning: {numa_balancing: false, sysctl: {vm.swappiness: 10}}
benchmark: {role: migbench}
factors: {mode: [serial]}
repetitions: 1
"""


def guests_of(pid: int) -> set[int]:
    """Return the processes of QEMU that a process has started, and theirs."""
    parents, names = {}, {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            text = path.read_text()
        except OSError:
            continue
        name, _, rest = text.partition("(")[2].rpartition(")")
        parents[int(path.parent.name)], names[int(path.parent.name)] = int(rest.split()[1]), name

    def is_below(one: int) -> bool:
        while one > 1:
            if one == pid:
                return True
            one = parents.get(one, 0)
        return False

    return {one for one, name in names.items() if name.startswith("qemu-system") and is_below(one)}


@pytest.mark.parametrize("is_closed", [False, True])
def test_a_shell_in_a_guest(tmp_path: Path, is_closed: bool) -> None:
    file = User(tmp_path).file(FILE, boot="300s")
    with terminal([COMMAND, "shell", file, "--kernel", "second"], tmp_path) as user:
        user.wait_for("guest: kernel second: ")
        user.wait_for("vm-tcg, clock: wall; tuning: 2 settings; /var/lib/orchestrate/roles/migbench")
        user.wait_for("session$ ")
        guests = guests_of(user.process.pid)
        assert guests
        user.type(
            "grep -o orchestrate.second /proc/cmdline; cat /proc/sys/vm/swappiness; ./migbench --help | head -1\r"
        )
        user.wait_for("\norchestrate.second\r\n10\r\n")
        user.wait_for("migbench")
        user.resize(40, 100)
        user.type("sleep 1; stty size\r")
        user.wait_for("40 100")
        user.type("sh -c 'echo in=$((40 + 2)); exec sleep 1000'\r")
        user.wait_for("in=42")
        user.type("\x03")
        user.type("echo code=$?\r")
        user.wait_for("code=130")
        if is_closed:
            user.close()
        else:
            user.type("exit 6\r")
        code = user.end()
    assert is_closed or code == 6  # nobody sees that of a window that is closed
    assert not {one for one in guests if Path(f"/proc/{one}").exists()}


def test_a_command_in_a_guest_is_ended_by_a_signal(tmp_path: Path) -> None:
    user = User(tmp_path)
    file = user.file(FILE, boot="300s")
    process = user.begin("shell", file, "--", "sh", "-c", "echo started >&2; sleep 1000")
    try:
        assert process.stderr is not None
        while "started" not in process.stderr.readline():
            assert process.poll() is None
        guests = guests_of(process.pid)
        assert guests
        process.send_signal(signal.SIGTERM)
        assert process.wait(120) == 130
    finally:
        user.close()
    assert not {one for one in guests if Path(f"/proc/{one}").exists()}
