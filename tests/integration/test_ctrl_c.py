"""Ctrl-C while a command waits: for a server that is silent, a host whose command hangs, a program of this machine."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from orchestrator import processes
from orchestrator.hosts.selector import CONNECT_LIMIT_S
from tests.integration.interrupted_runs import COUNTING
from tests.integration.sshd import serve
from tests.integration.test_silent_hosts import read_until
from tests.running import Ended, User

HANGING = """#!/bin/sh
case $SSH_ORIGINAL_COMMAND in
*"id -u"*) echo $$ > {begun}; exec sleep 1000 ;;
esac
eval "$SSH_ORIGINAL_COMMAND"
"""
"""A login shell in which the first command of every visit hangs; its time limit is a minute."""

BACKGROUND = "sh -c 'sleep 1000 & echo $! > {begun}; wait'"
"""A program that has started another one, as a wrapper does."""


@pytest.fixture
def begun(tmp_path: Path) -> Path:
    """The pid of a process that hangs, once it does."""
    return tmp_path / "begun"


def is_begun(file: Path) -> bool:
    return file.exists() and file.read_text().endswith("\n")


def press_twice(user: User, process: subprocess.Popen[str]) -> Ended:
    process.send_signal(signal.SIGINT)
    read_until(process, "SIGINT: stopping after the running trial; again: at once")
    return user.kill(process, signal.SIGINT)


def test_the_second_ctrl_c_ends_a_run_whose_host_answers_while_its_command_hangs(
    user: User, begun: Path, tmp_path: Path
) -> None:
    script, folder = tmp_path / "login", tmp_path / "hanging"
    script.write_text(HANGING.format(begun=begun))
    script.chmod(0o755)
    folder.mkdir()
    with serve(folder, settings=f"ForceCommand {script}\n") as sshd:
        user.options = ("--host", "testhost", "--ssh-config", str(sshd.ssh_config))
        run = user.begin_run(user.file(COUNTING))
        user.wait_for(lambda: is_begun(begun), run)
        try:
            ended = press_twice(user, run)
        finally:
            os.kill(int(begun.read_text()), signal.SIGKILL)  # on its host it goes on
    assert ended.code == 130, ended.err
    assert "timed out" not in ended.err
    assert "interrupted before a host was restored" in ended.complaints[-1]


def test_the_second_ctrl_c_ends_a_run_on_this_machine_whose_role_hangs(local_user: User, begun: Path) -> None:
    role(local_user, begun)
    file = local_user.file(f"{COUNTING}roles: [hanging]\n")
    run = local_user.begin_run(file, "--host", "local", "--allow-local-changes")
    local_user.wait_for(lambda: is_begun(begun), run)
    ended = press_twice(local_user, run)
    assert ended.code == 130, ended.err
    assert "interrupted before a host was restored" in ended.complaints[-1]
    assert_gone(local_user, begun)


@pytest.fixture
def silent() -> Iterator[socket.socket]:
    """A server that takes connections, and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server


@pytest.mark.parametrize(
    "words",
    [
        ["run", "sweep.yaml", "--host"],
        ["hosts", "check"],
        ["hosts", "unlock"],
        ["doctor", "sweep.yaml", "--host"],
    ],
    ids=["run", "check", "unlock", "doctor"],
)
def test_ctrl_c_gives_a_connection_up(local_user: User, silent: socket.socket, words: list[str]) -> None:
    local_user.file(COUNTING)
    process = local_user.begin(*words, f"root@127.0.0.1:{silent.getsockname()[1]}")
    with silent.accept()[0]:
        begin = time.monotonic()
        ended = local_user.kill(process, signal.SIGINT)
        assert time.monotonic() - begin < CONNECT_LIMIT_S / 2
    assert ended.code == 130, ended.err
    assert "connect to host" not in ended.err


def role(user: User, begun: Path) -> list[str]:
    folder = user.folder / "roles" / "hanging"
    folder.mkdir(parents=True)
    (folder / "tasks.yaml").write_text(f"- command: {BACKGROUND.format(begun=begun)}\n")
    return ["role", "apply", "hanging", "--host", "local", "--allow-local-changes"]


def configured(user: User, text: str) -> list[str]:
    config = user.folder / "config"
    config.write_text(text)
    return ["hosts", "check", "there", "--ssh-config", str(config)]


def proxy_command(user: User, begun: Path) -> list[str]:
    command = BACKGROUND.format(begun=begun)
    return configured(user, f"Host there\n  HostName 127.0.0.1\n  ProxyCommand {command}; true\n")


def match_exec(user: User, begun: Path) -> list[str]:
    return configured(
        user, f'Match host there exec "{BACKGROUND.format(begun=begun)}; true"\n  User nobody\n'
    )


def inventory_script(user: User, begun: Path) -> list[str]:
    script = user.folder / "inventory"
    script.write_text(f"#!/bin/sh\n{BACKGROUND.format(begun=begun)}\n")
    script.chmod(0o755)
    return ["hosts", "check", "all", "--inventory", str(script)]


@pytest.mark.parametrize("case", [proxy_command, match_exec, inventory_script, role])
@pytest.mark.parametrize("presses", [1, 2])
def test_ctrl_c_leaves_no_program_behind(
    local_user: User, begun: Path, case: Callable[[User, Path], list[str]], presses: int
) -> None:
    process = local_user.begin(*case(local_user, begun))
    local_user.wait_for(lambda: is_begun(begun), process)
    process.send_signal(signal.SIGINT)
    if presses == 2:
        read_until(process, "orchestrate: interrupted")
    ended = local_user.kill(process, signal.SIGINT) if presses == 2 else local_user.end(process)
    assert ended.code in (130, -signal.SIGINT), ended.err  # a shell says 130 of both
    assert_gone(local_user, begun)


def assert_gone(user: User, begun: Path) -> None:
    """The kernel ends a process that was killed soon, not at once."""
    pid = int(begun.read_text())
    try:
        user.wait_for(lambda: not processes.identity(pid))
    finally:
        if processes.identity(pid):
            os.kill(pid, signal.SIGKILL)
