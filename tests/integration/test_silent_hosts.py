"""Hosts that stop answering while their connection stays open: as far as TCP can tell, all is well."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import pytest

from tests.integration.interrupted_runs import COUNTING, LONG, each_once, sessions
from tests.integration.sshd import Sshd
from tests.running import User

ALIVE = "ServerAliveInterval 1\nServerAliveCountMax 2\n"


@contextmanager
def silent(sshd: Sshd) -> Iterator[None]:
    """The processes of all sessions are stopped: the kernel takes their bytes, and nobody answers."""
    stopped = sessions(sshd)
    assert stopped
    try:
        for pid in stopped:
            os.kill(pid, signal.SIGSTOP)
        yield
    finally:
        for pid in stopped:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


def read_until(process: subprocess.Popen[str], words: str) -> None:
    """Read stderr until a line has these words."""
    assert process.stderr is not None
    while words not in (line := process.stderr.readline()):
        assert line, f"ended without: {words}"


@pytest.fixture
def careful(user: User, sshd: Sshd) -> User:
    """Someone whose SSH configuration asks hosts for a sign of life."""
    config = user.folder / "ssh_config"
    config.write_text(ALIVE + sshd.ssh_config.read_text())
    user.options = ("--host", "testhost", "--ssh-config", str(config))
    return user


def test_a_host_that_falls_silent_is_lost_and_reached_again(careful: User, sshd: Sshd) -> None:
    run = careful.begin_run(careful.file(COUNTING))
    careful.wait_for(lambda: careful.trials, run)
    with silent(sshd):
        ended = careful.end(run)
    assert ended.code == 0, ended.err
    assert "connection lost: Timeout, server not responding; reconnecting" in ended.err
    each_once(careful, 8)


def test_ctrl_c_is_answered_and_ends_the_run_whatever_the_host_does(user: User, sshd: Sshd) -> None:
    file = user.file(LONG)
    run = user.begin_run(file)
    user.wait_for(lambda: user.counted["begin-1"] and user.trials, run)
    with silent(sshd):
        run.send_signal(signal.SIGINT)
        read_until(run, "SIGINT: stopping after the running trial; again: at once")
        assert run.poll() is None
        ended = user.kill(run, signal.SIGINT)
    assert ended.code == 130, ended.err
    assert "SIGINT: stopping now" in ended.err
    assert [record["factors"]["n"] for record in user.trials] == ["0"]
    again = user.begin_run(file)
    read_until(again, "the runner is still running; following its journal")
    assert user.kill(again, signal.SIGTERM).code == 130


STOPPED = """
import sys, time
from orchestrator.execution.stopping import on_signals
with on_signals(lambda text: print(text, flush=True)) as stop:
    stop.waits_for_end = sys.argv[1] == "waits"
    print("begun", flush=True)
    while not stop.level:
        time.sleep(0.01)
    time.sleep(2 if stop.waits_for_end else 600)
    print("restored", flush=True)
"""


def begin_stopped(*words: str, **streams: Any) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", STOPPED, *words], stdout=subprocess.PIPE, text=True, **streams
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "begun\n"
    return process


def test_signals_that_come_together_are_one_request() -> None:
    """As when a session ends: what must be restored or given back still is."""
    process = begin_stopped("waits")
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGTERM, signal.SIGHUP):
        process.send_signal(number)
    out, _ = process.communicate(timeout=60)
    assert (process.returncode, out.split(": ", 1)[1]) == (0, "stopping now\nrestored\n")


def test_the_program_ends_though_nobody_can_be_told() -> None:
    reader, writer = os.pipe()
    process = begin_stopped("hangs", stderr=writer)
    os.close(writer)
    os.close(reader)
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=60)
    assert process.returncode == 130


def test_this_machine_is_restored_however_long_its_trial_takes_to_end(local_user: User) -> None:
    stubborn = LONG.replace("sleep 600", "trap : TERM; while :; do sleep 1; done")
    run = local_user.begin_run(local_user.file(stubborn))
    local_user.wait_for(lambda: local_user.counted["begin-1"] and local_user.trials, run)
    ended = local_user.kill(run, signal.SIGTERM)
    assert ended.code == 130, ended.err
    assert "stopped by SIGTERM" in ended.complaints[-1]
    assert local_user.records[-1]["type"] == "end"


def test_a_hangup_that_is_ignored_does_not_stop_a_run(user: User) -> None:
    user.prefix = ("nohup",)
    run = user.begin_run(user.file(COUNTING))
    user.wait_for(lambda: user.trials, run)
    ended = user.kill(run, signal.SIGHUP)
    assert ended.code == 0, ended.err
    each_once(user, 8)


def test_a_runner_that_dies_in_a_long_trial_is_noticed_at_once(user: User) -> None:
    """The trial may take ten minutes: nobody waits for that."""
    run = user.begin_run(user.file(LONG, trial="10min"))
    user.wait_for(lambda: user.counted["begin-1"], run)
    (block,) = user.base.glob(f"blocks/{user.run_folders[0].name}-*")
    os.kill(int((block / "runner").read_text().split()[0]), signal.SIGKILL)
    user.wait_for(lambda: user.counted["begin-1"] == 2, run)
    assert user.kill(run, signal.SIGTERM).code == 130
