"""Runs that are killed, interrupted, cut off or run twice at once, over a real sshd."""

from __future__ import annotations

import getpass
import os
import random
import signal
import socket
import subprocess
import time
from pathlib import Path

import pytest

from tests.integration.interrupted_runs import COUNTING, LONG, each_once, sessions
from tests.integration.sshd import Sshd, serve
from tests.running import COMMAND, Ended, User

TUNED = "tuning: {sysctl: {vm.stat_interval: 7}}\n"
STAT_INTERVAL = Path("/proc/sys/vm/stat_interval")
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="changes a sysctl")


def _content(path: Path) -> bytes:
    return path.read_bytes() if path.exists() else b""


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_sigkill_at_any_moment_then_the_same_command(user: User, seed: int) -> None:
    file = user.file(COUNTING)
    moments = random.Random(seed)
    for _ in range(2):
        run = user.begin_run(file)
        time.sleep(moments.uniform(0.0, 2.5))
        user.kill(run)
    # A controller that was killed before its first record has started nothing.
    started = [folder for folder in user.run_folders if b"\n" in _content(folder / "journal.jsonl")]
    ended = user.run(file)
    assert ended.code == 0, ended.err
    if started:
        assert f"resuming run {started[0].name}" in ended.err
    each_once(user, 8)


def test_sigkill_in_mid_run_then_resume_by_name(user: User) -> None:
    file = user.file(COUNTING)
    run = user.begin_run(file)
    user.wait_for(lambda: user.counted["end-0"] or len(user.counted) > 3, run)
    user.kill(run)
    (folder,) = user.run_folders
    ended = user.run(file, "--resume", folder.name)
    assert ended.code == 0, ended.err
    assert f"resuming run {folder.name}" in ended.err
    each_once(user, 8)
    assert [record["resumed"] for record in user.of_type("run")] == [False, True]


def test_the_run_goes_on_without_its_controller(user: User) -> None:
    file = user.file(COUNTING)
    run = user.begin_run(file)
    user.wait_for(lambda: user.trials, run)
    user.kill(run)
    user.wait_for(lambda: sum(user.counted.values()) == 16)
    assert len(user.trials) < 8
    assert user.run(file, "--resume").code == 0
    each_once(user, 8)


def test_a_changed_file_does_not_carry_on(user: User) -> None:
    run = user.begin_run(user.file(LONG))
    user.wait_for(lambda: user.counted["begin-1"], run)
    user.kill(run, signal.SIGTERM)
    (folder,) = user.run_folders
    changed = user.file(LONG.replace("[0, 1, 2]", "[0]"))
    refused = user.run(changed, "--resume", folder.name)
    assert refused.code == 2
    assert f"cannot resume run {folder.name} with this command" in refused.complaints[0]
    none = user.run(changed, "--resume")
    assert none.code == 2
    assert "no unfinished run of this experiment (name 'long', same options) to resume" in none.complaints[0]


def pasted(user: User, line: str) -> Ended:
    """Run a command as a shell takes it."""
    words = ["sh", "-c", line.removeprefix("resume with: ")]
    path = f"{COMMAND.parent}:{os.environ['PATH']}"
    done = subprocess.run(
        words, cwd=user.folder, env={**os.environ, "PATH": path}, capture_output=True, text=True, check=False
    )
    return Ended(done.returncode, done.stdout, done.stderr)


@pytest.mark.parametrize("options", [["--new"], [], ["--new", "--break-lock"], ["--resume"]])
def test_the_last_line_of_a_run_that_was_stopped_carries_on_that_run(user: User, options: list[str]) -> None:
    file = user.file(COUNTING, "my sweep $1.yaml")
    words = [
        file.name,
        "--set",
        'description=it\'s "mine"',
        "--where",
        "n in (0, 1, 2, 3)",
        "--results",
        "a b",
    ]
    if options:  # there is a run that is not finished
        other = user.begin_run(*words)
        user.wait_for(lambda: user.executions.exists(), other)
        user.kill(other, signal.SIGTERM)
    if "--new" in options:
        user.executions.unlink()
    before = user.counted.total()
    run = user.begin_run(*words, *options)
    user.wait_for(lambda: user.counted.total() > before, run)
    ended = user.kill(run, signal.SIGINT)
    assert ended.code == 130, ended.err
    *_, said, last = ended.err.splitlines()
    assert said == "orchestrate: stopped by SIGINT"
    stopped = sorted((user.folder / "a b").glob("*/*/journal.jsonl"))[-1].parent
    assert last.endswith(f" --resume={stopped.name}")
    assert "--new" not in last
    resumed = pasted(user, last)
    assert resumed.code == 0, resumed.err
    assert f"resuming run {stopped.name}" in resumed.err
    assert all(user.counted[f"end-{n}"] == 1 for n in range(4)), user.counted


def test_ctrl_c_once_finishes_the_running_trial(user: User) -> None:
    file = user.file(COUNTING)
    run = user.begin_run(file)
    user.wait_for(lambda: user.trials, run)
    ended = user.kill(run, signal.SIGINT)
    assert ended.code == 130, ended.err
    assert ended.complaints == ["stopped by SIGINT"]
    started = {name[6:] for name in user.counted if name.startswith("begin")}
    assert {record["factors"]["n"] for record in user.trials} == started
    assert len(started) < 8
    assert user.records[-1]["complete"] is False
    assert user.run(file).code == 0
    each_once(user, 8)


@pytest.mark.changes_settings
@needs_root
@pytest.mark.parametrize("signals", [[signal.SIGINT, signal.SIGINT], [signal.SIGTERM]])
def test_stopping_now_ends_the_trial_and_restores(user: User, signals: list[int]) -> None:
    before = STAT_INTERVAL.read_text()
    try:
        run = user.begin_run(user.file(LONG + TUNED))
        user.wait_for(lambda: user.counted["begin-1"], run)
        assert STAT_INTERVAL.read_text() == "7\n"
        for number in signals[:-1]:
            run.send_signal(number)
            time.sleep(1.5)
            assert run.poll() is None
        ended = user.kill(run, signals[-1])
        assert ended.code == 130
        assert f"stopped by {signal.Signals(signals[-1]).name}" in ended.complaints[-1]
        assert STAT_INTERVAL.read_text() == before
        assert [record["factors"]["n"] for record in user.trials] == ["0"]
        assert user.counted["end-1"] == 0
    finally:
        STAT_INTERVAL.write_text(before)


@pytest.mark.changes_settings
@needs_root
def test_settings_outlive_a_killed_controller_and_are_put_back_by_the_next(user: User) -> None:
    before = STAT_INTERVAL.read_text()
    try:
        file = user.file(COUNTING + TUNED)
        run = user.begin_run(file)
        user.wait_for(lambda: user.trials, run)
        user.kill(run)
        assert STAT_INTERVAL.read_text() == "7\n"
        assert user.run(file).code == 0
        each_once(user, 8)
        assert STAT_INTERVAL.read_text() == before
    finally:
        STAT_INTERVAL.write_text(before)


def test_a_dropped_connection_is_made_again(user: User, sshd: Sshd) -> None:
    run = user.begin_run(user.file(COUNTING))
    user.wait_for(lambda: user.trials, run)
    for session in sessions(sshd):
        os.kill(session, signal.SIGKILL)
    ended = user.end(run)
    assert ended.code == 0, ended.err
    assert "connection lost" in ended.err
    assert "the runner is still running; following its journal" in ended.err
    each_once(user, 8)
    assert len(user.of_type("block")) == 1


def test_a_runner_that_is_killed_on_the_host_is_started_again(user: User) -> None:
    run = user.begin_run(user.file(COUNTING, trial="2s"))
    user.wait_for(lambda: user.trials, run)
    (block,) = user.base.glob(f"blocks/{user.run_folders[0].name}-*")
    ended_before = {name for name in user.counted if name.startswith("end")}
    os.kill(int((block / "runner").read_text().split()[0]), signal.SIGKILL)
    ended = user.end(run)
    assert ended.code == 0, ended.err
    user.assert_complete(8)
    counted = user.counted
    assert all(counted[f"end-{n}"] >= 1 for n in range(8))
    assert sum(counted.values()) <= 18
    assert sum(count > 1 for name, count in counted.items() if name in ended_before) <= 1


def test_two_controllers_on_one_run(user: User) -> None:
    file = user.file(LONG)
    first = user.begin_run(file)
    user.wait_for(lambda: user.trials, first)
    second = user.run(file)
    assert second.code == 2
    (line,) = second.complaints
    assert f"the run is locked by process {first.pid} on {socket.gethostname()}" in line
    assert user.kill(first, signal.SIGTERM).code == 130


def test_another_run_on_a_host_that_is_at_work(user: User) -> None:
    first = user.begin_run(user.file(LONG))
    user.wait_for(lambda: user.trials, first)
    second = user.run(user.file(COUNTING, "other.yaml"))
    assert second.code == 3
    (line,) = second.complaints
    assert line.startswith("testhost: ")
    assert (
        f"locked by {user.run_folders[0].name} of " in line
        or f"locked by {user.run_folders[1].name} of " in line
    )
    user.kill(first)
    third = user.run(user.file(COUNTING, "other.yaml"))
    assert third.code == 3
    assert "another run is active on this host" in third.complaints[0]


@pytest.mark.parametrize(
    ("name", "changed", "words"),
    [
        (
            "known_hosts",
            "user_key.pub",
            "testhost: Host key verification failed. REMOTE HOST IDENTIFICATION HAS",
        ),
        (
            "authorized_keys",
            "host_key.pub",
            f"testhost: {getpass.getuser()}@127.0.0.1: Permission denied (publickey)",
        ),
    ],
)
def test_a_host_that_refuses_for_good_is_not_waited_for(
    tmp_path: Path, name: str, changed: str, words: str
) -> None:
    (tmp_path / "sshd").mkdir()
    with serve(tmp_path / "sshd") as sshd:
        user = User(tmp_path, ("--host", "testhost", "--ssh-config", str(sshd.ssh_config)))
        try:
            file = user.file(COUNTING, boot="20s")
            run = user.begin_run(file)
            user.wait_for(lambda: user.trials, run)
            right = (sshd.folder / name).read_text()
            host = f"[127.0.0.1]:{sshd.port} " if name == "known_hosts" else ""
            (sshd.folder / name).write_text(host + (sshd.folder / changed).read_text())
            for session in sessions(sshd):
                os.kill(session, signal.SIGKILL)
            ended = user.end(run)
            assert ended.code == 3, ended.err
            assert ended.complaints[-1].startswith(words), ended.complaints
            (sshd.folder / name).write_text(right)
            again = user.run(file)
            assert again.code == 0, again.err
            each_once(user, 8)
        finally:
            user.close()


def test_ctrl_c_while_the_program_is_imported_ends_it_without_a_word(tmp_path: Path) -> None:
    """What is imported first is an impostor that presses Ctrl-C."""
    (tmp_path / "click.py").write_text("import os, signal\nos.kill(os.getpid(), signal.SIGINT)\n")
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    ended = subprocess.run([COMMAND, "--help"], env=environment, capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stdout, ended.stderr) == (-signal.SIGINT, "", "")


WAITING = """
- command: {argv: [sh, -c, 'touch FOLDER/begun; until [ -e FOLDER/go ]; do sleep 0.1; done']}
  changed_when: false
"""


def test_ctrl_c_before_the_first_trial_ends_the_run_without_one(user: User) -> None:
    """What is being done to the host is done to its end; no trial is begun for the sake of ending it."""
    role = user.folder / "roles" / "waiting"
    role.mkdir(parents=True)
    (role / "tasks.yaml").write_text(WAITING.replace("FOLDER", str(user.folder)))
    file = user.file(COUNTING + "roles: [waiting]\n")
    run = user.begin_run(file)
    user.wait_for((user.folder / "begun").exists, run)
    run.send_signal(signal.SIGINT)
    time.sleep(0.5)
    (user.folder / "go").touch()
    ended = user.end(run)
    assert ended.code == 130, ended.err
    assert not user.counted
    ended = user.run(file)
    assert ended.code == 0, ended.err
    each_once(user, 8)
