"""Runs that are killed, interrupted, cut off or run twice at once, over a real sshd."""

from __future__ import annotations

import getpass
import json
import os
import random
import re
import signal
import socket
import subprocess
import time
from pathlib import Path

import pytest

from tests.integration.machine import Machine
from tests.integration.sshd import Sshd, serve
from tests.running import COMMAND, Ended, User

COUNTING = """
name: counting
benchmark:
  command:
    - sh
    - -c
    - 'echo begin-{n} >> EXECUTIONS; sleep 0.8; echo end-{n} >> EXECUTIONS; echo x={n}'
  metrics: {x: {key_value: x, unit: count}}
factors: {n: [0, 1, 2, 3, 4, 5, 6, 7]}
repetitions: 1
"""

LONG = """
name: long
benchmark:
  command: [sh, -c, 'echo begin-{n} >> EXECUTIONS; test {n} = 0 || sleep 600; echo end-{n} >> EXECUTIONS; echo x={n}']
  metrics: {x: {key_value: x, unit: count}}
factors: {n: [0, 1, 2]}
repetitions: 1
order: {within_block: listed}
"""

TUNED = "tuning: {sysctl: {vm.stat_interval: 7}}\n"
STAT_INTERVAL = Path("/proc/sys/vm/stat_interval")
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="changes a sysctl")


def each_once(user: User, trials: int) -> None:
    """In the journal, and on the host."""
    user.assert_complete(trials)
    assert set(user.counted.values()) == {1}, user.counted
    assert sum(user.counted.values()) == 2 * trials


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


def sessions(sshd: Sshd) -> list[int]:
    """Pids of the server's children: one for each connection."""
    server = (sshd.folder / "pid").read_text().strip()
    listed = subprocess.run(
        ["ps", "-o", "pid=", "--ppid", server], capture_output=True, text=True, check=False
    )
    return [int(pid) for pid in listed.stdout.split()]


def test_a_run_whose_last_trial_ends_after_max_hours_is_complete(user: User) -> None:
    text = COUNTING.replace("0, 1, 2, 3, 4, 5, 6, 7", "0").replace("sleep 0.8", "sleep 14")
    reserve = 20 + 60  # seconds in which no trial begins: those of one trial, and those to restore the host
    ended = user.run(user.file(text, max_hours=(reserve + 10) / 3600, trial="20s"))
    assert ended.code == 0, ended.err
    user.assert_complete(1)


def test_what_fails_after_the_last_trial_is_done_by_the_same_command(user: User) -> None:
    file = user.file(COUNTING)
    run = user.begin_run(file)
    user.wait_for(lambda: user.trials, run)
    (folder,) = user.run_folders
    manifest = folder / "manifest.json"
    manifest.unlink()
    (manifest / "in the way").mkdir(parents=True)
    ended = user.end(run)
    assert ended.code != 0
    assert "manifest.json: Is a directory" in ended.complaints[-1]
    assert len(user.trials) == 8
    (manifest / "in the way").rmdir()
    manifest.rmdir()
    again = user.run(file)
    assert again.code == 0, again.err
    assert f"resuming run {folder.name}" in again.err
    each_once(user, 8)
    assert json.loads(manifest.read_text())["complete"] is True


def test_a_trial_whose_line_is_damaged_runs_again(user: User) -> None:
    file = user.file(COUNTING)
    run = user.begin_run(file)
    user.wait_for(lambda: user.trials, run)
    user.kill(run, signal.SIGTERM)
    (folder,) = user.run_folders
    journal = folder / "journal.jsonl"
    number = next(
        n for n, line in enumerate(journal.read_bytes().splitlines(), 1) if b'"type":"trial"' in line
    )
    damaged = user.trials[0]
    lines = journal.read_bytes().splitlines(keepends=True)
    lines[number - 1] = lines[number - 1].replace(b'"status":"ok"', b'"status":"oK"')
    journal.write_bytes(b"".join(lines))
    again = user.run(file)
    assert again.code == 0, again.err
    assert f"journal.jsonl:{number}:1: the checksum (crc32) is not that of the line" in again.err
    assert "1 damaged line of the journal left out" in again.out
    assert "8 of 8 trials ok" in again.out
    assert sum(record["trial"] == damaged["trial"] for record in user.trials) == 2, "the damaged line stays"


def test_a_complete_run_that_loses_a_trial_is_resumed_and_exported(local_user: User) -> None:
    user, file = local_user, local_user.file(COUNTING)
    assert user.run(file).code == 0
    (folder,) = user.run_folders
    journal = folder / "journal.jsonl"
    lines = journal.read_bytes().splitlines(keepends=True)
    number, line = next((n, line) for n, line in enumerate(lines) if b'"type":"trial"' in line)
    lines[number] = line.replace(b'"status":"ok"', b'"status":"changed"')
    journal.write_bytes(b"".join(lines))
    assert re.search(r" 7 of 8 .* interrupted$", user.orchestrate("results", "list").out, re.MULTILINE)
    (refused,) = user.orchestrate("export", "latest").complaints
    assert "is unfinished: 7 of 8 trials" in refused
    again = user.run(file, "--resume")
    assert again.code == 0, again.err
    assert f"resuming run {folder.name}" in again.err
    assert sum(user.counted.values()) == 2 * 9, "only that trial runs again"
    assert re.search(r" 8 of 8 .* complete$", user.orchestrate("results", "list").out, re.MULTILINE)
    exported = user.orchestrate("export", "latest", "--directory", "--output", "bundle")
    assert exported.code == 0, exported.err
    said = [
        text for text in exported.complaints if "Damaged lines of the journal, which are left out: " in text
    ]
    assert len(said) == 1
    assert f"journal.jsonl:{number + 1}:1: " in said[0]
    assert user.orchestrate("verify", "bundle").code == 0
    kept = (user.folder / "bundle" / "run" / "journal.jsonl").read_bytes().splitlines(keepends=True)
    assert kept == [line for line in journal.read_bytes().splitlines(keepends=True) if line != lines[number]]
    assert user.run(file, "--resume").code == 2, "it is complete again"


LOSES_A_SETTING = """
name: loses
benchmark:
  command: [sh, -c, 'test -e KNOB.away || test {n} = 0 || mv KNOB KNOB.away; echo x={n}']
  metrics: {x: {key_value: x, unit: count}}
factors: {n: [0, 1, 2], sysfs.KNOB: [0]}
repetitions: 1
order: {within_block: listed}
"""


def test_a_run_goes_on_when_what_its_runner_failed_at_is_mended(admin: User, machine: Machine) -> None:
    """The runner ended with an error, which its journal keeps: the setting of a trial could not be put back."""
    file = admin.file(LOSES_A_SETTING.replace("KNOB", "/sys/kernel/mm/ksm/run"))
    ended = admin.run(file)
    assert ended.code == 3
    assert "the runner failed: /sys/kernel/mm/ksm/run: No such file or directory" in ended.complaints[-1]
    knob = machine.root / "sys/kernel/mm/ksm/run"
    (knob.parent / "run.away").rename(knob)
    (knob.parent / "run.away").touch()
    again = admin.run(file)
    assert again.code == 0, again.err
    admin.assert_complete(3)
    assert machine.sys("kernel/mm/ksm/run") == "1"


WITHOUT_CRON = """
name: quiet
roles: [{role: quiet, vars: {services: [cron.service]}, tags: [services]}]
benchmark: {command: [sh, -c, 'echo x={n}'], metrics: {x: {key_value: x, unit: count}}}
factors: {n: [0, 1, 2]}
repetitions: 1
"""


def test_a_host_is_left_as_it_was_by_who_resumes_a_run_of_which_no_trial_is_missing(
    admin: User, machine: Machine
) -> None:
    """The controller is killed after the last record, and a service could not be started again until then."""
    before = machine.state()
    systemctl = machine.root / "bin/systemctl"
    quick = systemctl.read_text()
    systemctl.write_text(quick.replace("#!/bin/sh\n", '#!/bin/sh\n[ "$1" != start ] || exit 1\n'))
    file = admin.file(WITHOUT_CRON)
    run = admin.begin_run(file)
    admin.wait_for(lambda: len(admin.trials) == 3, run)
    admin.kill(run)
    systemctl.write_text(quick)
    assert "inactive" in machine.unit("cron.service")
    ended = admin.run(file)
    assert ended.code == 0, ended.err
    admin.assert_complete(3)
    assert machine.state() == before
    assert not list((machine.root / "base").glob("lock*"))
    assert not list((machine.root / "base/blocks").glob("*"))


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
