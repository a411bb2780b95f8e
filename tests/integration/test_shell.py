"""``orchestrate shell`` on a real host: as a trial finds it, in a real terminal, restored however it ends."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.integration.administrator import role
from tests.integration.machine import Machine
from tests.running import COMMAND, PATIENCE_S, Ended, User
from tests.terminal import Terminal, terminal

FILE = """
tuning: {sysctl: {vm.swappiness: 10}, sysfs: {/sys/kernel/mm/ksm/run: 0}}
benchmark: {command: [echo, x=1], metrics: {x: {key_value: x, unit: s}}}
repetitions: 1
"""
LONG = 100_000 + os.getpid()
"""Seconds of a program by which it is found; other tests run beside this one."""

SEEN = "cat /proc/sys/vm/swappiness; pwd; env; exit 7"


@pytest.fixture
def file(admin: User) -> Path:
    return admin.file(FILE)


def shell(admin: User, file: Path, *words: str) -> Ended:
    return admin.orchestrate("shell", file, *admin.options, "--", *words)


def opened(admin: User, file: Path) -> tuple[list[str | Path], Path]:
    return [COMMAND, "shell", file, *admin.options], admin.folder


def assert_left(machine: Machine, admin: User, file: Path, before: dict[str, str]) -> None:
    """The host is as it was, unlocked, and nothing of the session is left."""
    assert machine.state() == before
    assert not list((machine.root / "base").glob("blocks/*"))
    again = shell(admin, file, "true")
    assert again.code == 0, again.err


def test_a_command_finds_what_a_trial_finds(machine: Machine, admin: User, file: Path) -> None:
    before = machine.state()
    ended = shell(admin, file, "sh", "-c", SEEN)
    assert ended.code == 7, ended.err
    swappiness, folder, *environment = ended.out.splitlines()
    assert (swappiness, folder) == ("10", "/var/lib/orchestrate")
    names = {line.partition("=")[0] for line in environment}
    assert names >= {"HOME", "PATH", "LC_ALL", "LANG", "ORCHESTRATE_CLOCK"}
    assert "ORCHESTRATE_CLOCK=wall" in environment
    first, last = (line for line in ended.err.splitlines() if not line.startswith("["))  # without progress
    assert first.startswith("testhost: kernel default: ")
    assert "clock: wall; tuning: 2 settings; /var/lib/orchestrate" in first
    assert last == "testhost: settings restored"
    assert_left(machine, admin, file, before)


def test_arguments_are_passed_unchanged(admin: User, file: Path) -> None:
    ended = shell(admin, file, "printf", "[%s]", "a  b", "$HOME", "it's")
    assert ended.out == "[a  b][$HOME][it's]"


def test_a_terminal(machine: Machine, admin: User, file: Path) -> None:
    before = machine.state()
    with terminal(*opened(admin, file)) as user:
        user.wait_for("to leave: exit or Ctrl-D")
        user.wait_for("sweep$ ")
        user.type("stty size\r")
        user.wait_for("24 80")
        user.resize(50, 132)
        user.type("sleep 1; stty size\r")
        user.wait_for("50 132")
        user.type("sh -c 'echo swappiness=$(cat /proc/sys/vm/swappiness); exec sleep 1000'\r")
        user.wait_for("swappiness=10")
        user.type("\x03")
        user.wait_for("sweep$ ")
        user.type("echo code=$?\r")
        user.wait_for("code=130")
        # What an editor does: each key arrives as it is, Ctrl-C and Ctrl-Z too.
        user.type("stty raw -echo; echo ready; dd bs=1 count=4 2>/dev/null | od -An -tx1; stty sane\r")
        user.wait_for("ready\n")
        user.type("\x03\x1a\x1b\r")
        user.wait_for("03 1a 1b 0d")
        user.type("exit 5\r")
        assert user.end() == 5
    assert_left(machine, admin, file, before)


def wait_until(condition: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(0.05)


def in_session(user: Terminal) -> None:
    """Wait for the shell, and leave a program in its background that would outlive it."""
    user.wait_for("sweep$ ")
    user.type(f"trap '' HUP; setsid sleep {LONG} & echo in=$((40 + 2)); sleep 1000\r")
    user.wait_for("in=42")


def left() -> list[int]:
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            if path.read_bytes() == f"sleep\0{LONG}\0".encode():
                found.append(int(path.parent.name))
    return found


def is_left() -> bool:
    return bool(left())


def end_left() -> None:
    for process in left():
        with contextlib.suppress(ProcessLookupError):
            os.kill(process, signal.SIGKILL)


def close(user: Terminal) -> None:
    user.close()


def hang_up(user: Terminal) -> None:
    user.process.send_signal(signal.SIGHUP)


def terminate(user: Terminal) -> None:
    user.process.send_signal(signal.SIGTERM)


@pytest.mark.parametrize("how", [close, hang_up, terminate])
def test_it_is_restored_however_it_ends(
    machine: Machine, admin: User, file: Path, how: Callable[[Terminal], None]
) -> None:
    before = machine.state()
    with terminal(*opened(admin, file)) as user:
        in_session(user)
        assert machine.proc("vm/swappiness") == "10"
        wait_until(is_left, "the program in the background does not start")
        how(user)
        code = user.end()
    if how is not close:
        assert code == 130
    wait_until(lambda: not is_left(), "a program of the session still runs")
    assert_left(machine, admin, file, before)


def test_ctrl_c_ends_a_command_without_a_terminal(machine: Machine, admin: User, file: Path) -> None:
    before = machine.state()
    process = admin.begin("shell", file, *admin.options, "--", "sleep", str(LONG))
    admin.wait_for(is_left, process)
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does: to all programs in front
    ended = admin.end(process)
    assert ended.code == 130, ended.err
    assert not is_left()
    assert_left(machine, admin, file, before)


def test_ctrl_c_while_the_lock_is_taken_leaves_no_lock(machine: Machine, admin: User, file: Path) -> None:
    assert shell(admin, file, "true").code == 0
    base = machine.root / "base"
    script = base / "bin/lock.sh"
    slow = script.read_text().replace("take:4) shift", "take:4) trap 'sleep 2' EXIT; shift")
    assert slow != script.read_text()
    script.write_text(slow)
    process = admin.begin("shell", file, *admin.options, "--", "true")
    admin.wait_for((base / "lock").exists, process)
    ended = admin.kill(process, signal.SIGINT)
    assert (ended.code, ended.out) == (130, "")
    assert not (base / "lock").exists()


def test_ctrl_c_in_a_role_ends_its_command(machine: Machine, admin: User) -> None:
    role(admin, tasks=f"- name: Wait\n  shell: trap '' HUP PIPE; sleep {LONG}; true\n")
    file = admin.file(f"{FILE}roles: [mine]\n")
    before = machine.state()
    process = admin.begin("shell", file, *admin.options, "--", "true")
    admin.wait_for(is_left, process)
    ended = admin.kill(process, signal.SIGINT)
    assert ended.code == 130
    assert "testhost: settings restored" in ended.err
    assert not is_left()
    assert machine.state() == before


def test_signals_that_follow_each_other_do_not_skip_the_restoration(
    machine: Machine, admin: User, file: Path
) -> None:
    before = machine.state()
    process = admin.begin("shell", file, *admin.options, "--", "sleep", str(LONG))
    admin.wait_for(is_left, process)
    for _ in range(400):
        for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT):
            process.send_signal(number)
        time.sleep(0.001)
    ended = admin.end(process)
    assert ended.code == 130, ended.err
    assert not is_left()
    assert_left(machine, admin, file, before)


def test_what_cannot_be_restored_is_told_with_what_ended_the_session(
    admin: User, machine: Machine, file: Path
) -> None:
    before = machine.state()
    process = admin.begin("shell", file, *admin.options, "--", "sleep", str(LONG))
    admin.wait_for(is_left, process)
    script = machine.root / "base/bin/runner.sh"
    content = script.read_bytes()
    script.write_text("exit 1\n")
    ended = admin.kill(process, signal.SIGTERM)
    assert ended.code == 130
    assert ended.complaints[0] == "stopped by SIGTERM"
    assert "cannot restore settings" in ended.complaints[1]
    script.write_bytes(content)
    assert shell(admin, file, "true").code == 0
    assert_left(machine, admin, file, before)


def test_a_host_that_is_in_use(machine: Machine, admin: User, file: Path) -> None:
    with terminal(*opened(admin, file)) as user:
        user.wait_for("sweep$ ")
        refused = shell(admin, file, "true")
        assert refused.code == 3
        assert "locked by shell, process" in refused.complaints[0]
        assert machine.proc("vm/swappiness") == "10"
        run = admin.run(file)
        assert run.code == 3
        user.type("exit\r")
        assert user.end() == 0
    assert admin.run(file).code == 0


def test_controllers_with_one_process_id_do_not_share_a_host(
    machine: Machine, admin: User, file: Path
) -> None:
    prefix = ("unshare", "--pid", "--fork", "--kill-child", "--mount-proc")
    containers = User(admin.folder, admin.options, started=admin.started, prefix=prefix)
    role(admin, tasks=f"- name: Wait\n  command: sleep {LONG}\n")
    role(admin, "other", tasks="- name: Do nothing\n  command: 'true'\n")
    for words, other in (
        (
            ("shell", file, *admin.options, "--", "sleep", str(LONG)),
            ("shell", file, *admin.options, "--", "true"),
        ),
        (("role", "apply", "mine", *admin.options), ("role", "apply", "other", *admin.options)),
    ):
        process = containers.begin(*words)
        admin.wait_for(is_left, process)
        refused = containers.orchestrate(*other)
        assert refused.code == 3
        assert "locked by" in refused.complaints[0]
        end_left()
        containers.end(process)


def test_a_login(machine: Machine, admin: User) -> None:
    before = machine.state()
    words = ("--ssh-config", str(machine.sshd.ssh_config))
    ended = admin.orchestrate(
        "shell", "testhost", *words, "--", "sh", "-c", "cat /proc/sys/vm/swappiness; exit 9"
    )
    assert (ended.code, ended.out) == (9, "60\n"), ended.err
    assert machine.state() == before
    assert not list((machine.root / "base").iterdir())
    with terminal([COMMAND, "shell", "testhost", *words], admin.folder) as user:
        user.type("stty size\r")
        user.wait_for("24 80")
        user.type("exit 3\r")
        assert user.end() == 3
    assert admin.orchestrate("shell", "127.0.0.1:1").code == 3


def test_wrong_words(admin: User, file: Path) -> None:
    unknown = admin.orchestrate("shell", file, *admin.options, "--kernel", "deefault")
    assert unknown.code == 2
    assert unknown.complaints == ["no kernel 'deefault' in the experiment; did you mean 'default'?"]
    assert admin.orchestrate("shell", "testhost", "--kernel", "x").code == 2
    assert admin.orchestrate("shell", "nosuch.yaml").code == 2
    cluster = admin.orchestrate("shell", file, "--provider", "slurm", "--", "true")
    assert cluster.code == 2
    assert "the slurm provider runs blocks as jobs" in cluster.complaints[0]
    inventory = admin.folder / "inventory.ini"
    inventory.write_text("[two]\na\nb\n")
    several = admin.orchestrate("shell", "two", "--inventory", inventory)
    assert several.complaints == ["two: a group of several hosts: a, b; name one of them"]


@pytest.mark.parametrize("hosts", ["", "hosts: {needs: {numa_nodes: 99}}"])
def test_what_a_run_refuses_is_refused(machine: Machine, admin: User, hosts: str) -> None:
    before = machine.state()
    file = admin.file(f"{FILE.replace('[echo, x=1]', '[nosuchprog]')}{hosts}")
    opened, run = shell(admin, file, "true"), admin.run(file)
    assert (opened.code, opened.complaints) == (run.code, run.complaints)
    assert run.code == 3
    assert "nosuchprog: command not found" in run.complaints[-1]
    assert machine.state() == before


def test_it_tells_what_it_waits_for(machine: Machine, admin: User, file: Path) -> None:
    assert shell(admin, file, "true").code == 0
    script = machine.root / "base/bin/lock.sh"
    script.write_text(f'[ "$1" = release ] || sleep 11\n{script.read_text()}')
    assert re.search(r"testhost: preparing, \d+ s\n", shell(admin, file, "true").err)
    assert re.search(r"testhost: checking, \d+ s\n", admin.run(file, "--check").err)


def test_this_machine_is_changed_only_if_allowed(admin: User, file: Path) -> None:
    refused = admin.orchestrate("shell", file, "--host", "local", "--", "true")
    assert refused.code == 2
    assert "--allow-local-changes" in refused.complaints[0]


def test_the_terminal_is_left_to_the_command_however_long_it_takes(tmp_path: Path) -> None:
    ended = User(tmp_path).orchestrate("shell", "local", "--", "sh", "-c", "sleep 11; echo done")
    assert ended == Ended(0, "done\n", "")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_a_login_and_its_command(tmp_path: Path, number: signal.Signals) -> None:
    user = User(tmp_path)
    process = user.begin("shell", "local", "--", "sleep", str(LONG))
    user.wait_for(is_left, process)
    ended = user.kill(process, number)
    assert (ended.code, ended.complaints) == (130, [f"stopped by {number.name}"])
    assert not is_left()
