"""The runner when things go wrong around it: a second start, a hangup, kill -9, a torn line, stop and stop now."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from orchestrator.execution.host_journal import Begin
from orchestrator.execution.trial_file import HostTrial, encode_trials
from orchestrator.experiment.model import Setting
from tests.host_shells import SHELLS, TIME_LIMIT_S, HostFolder, processes


@pytest.fixture(params=SHELLS)
def host(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[HostFolder]:
    folder = HostFolder(request.param, tmp_path)
    yield folder
    folder.close()


def trial(name: str, script: str, *settings: Setting, limit: float = 60) -> HostTrial:
    return HostTrial(
        id=name, tag={}, folder="/", argv=("sh", "-c", script), settings=settings, time_limit=limit
    )


def asleep(host: HostFolder) -> HostTrial:
    """A trial that sleeps until it is ended; by its argument the processes of this test are known."""
    return trial("asleep", f"sleep 6{host.folder.stat().st_ino}")


def sleepers(host: HostFolder) -> list[int]:
    return processes(f"sleep\x006{host.folder.stat().st_ino}")


def wait_until_gone(find: Callable[[Any], list[int]], what: object) -> None:
    deadline = time.monotonic() + TIME_LIMIT_S
    while find(what):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_second_start_of_a_running_block(host: HostFolder) -> None:
    assert host.start(asleep(host)).returncode == 0
    host.wait_for('"start"')
    before, pid = host.journal(), host.runner_pid
    second = host.start()
    assert second.returncode == 3
    assert f"this block is already running (pid {pid})" in second.stderr.decode()
    assert (host.journal(), host.status(), host.runner_pid) == (before, "running", pid)
    assert host.stop("now").returncode == 0
    assert host.status() == "stopped"


def test_another_block_on_the_same_host(host: HostFolder) -> None:
    assert host.start(asleep(host)).returncode == 0
    other = host.folder / "block 2"
    other.mkdir()
    (other / "trials").write_bytes(encode_trials([trial("t", "true")]))
    refused = host.sh(host.runner_script, "start", host.base, other)
    assert refused.returncode == 4
    assert str(host.block) in refused.stderr.decode()
    assert not (other / "journal.jsonl").exists()
    host.stop("now")
    assert host.sh(host.runner_script, "start", host.base, other).returncode == 0


def test_a_trial_gets_the_clock_of_start(host: HostFolder) -> None:
    (host.block / "trials").write_bytes(encode_trials([trial("t", "echo $ORCHESTRATE_CLOCK")]))
    assert host.sh(host.runner_script, "start", host.base, host.block, "instructions").returncode == 0
    host.wait()
    assert [end.stdout for end in host.trial_ends()] == ["instructions"]


def test_many_starts_at_once_make_one_runner(host: HostFolder) -> None:
    (host.block / "trials").write_bytes(encode_trials([asleep(host)]))
    command = ["/usr/bin/env", "sh", str(host.runner_script), "start", str(host.base), str(host.block)]
    starts = [
        subprocess.Popen(command, env=host.environment, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL)
        for _ in range(8)
    ]
    codes = sorted(start.wait(TIME_LIMIT_S) for start in starts)
    assert codes == [0, 3, 3, 3, 3, 3, 3, 3]
    host.wait_for('"start"')
    assert sum(isinstance(event, Begin) for event in host.events()) == 1


def test_pid_of_another_process_is_not_taken_for_the_runner(host: HostFolder) -> None:
    host.base.mkdir()
    boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    stale = f"{os.getpid()} 1 {boot}\n{host.base}\n{host.block}\n"
    (host.base / "running").write_text(stale)
    (host.block / "runner").write_text(stale)
    (end,) = host.run(trial("t", "true"))
    assert end.exit_code == 0


def test_hangup_does_not_reach_the_runner(host: HostFolder) -> None:
    (host.block / "trials").write_bytes(encode_trials([trial("t", "sleep 2")]))
    script = 'sh "$@"; echo started; sleep 60'
    start = [str(host.runner_script), "start", str(host.base), str(host.block)]
    session = subprocess.Popen(
        ["/usr/bin/env", "sh", "-c", script, "sh", *start],
        env=host.environment,
        start_new_session=True,
        stdout=subprocess.PIPE,
    )
    assert session.stdout is not None
    assert session.stdout.readline() == b"started\n"
    os.killpg(session.pid, signal.SIGHUP)
    os.killpg(session.pid, signal.SIGKILL)
    session.communicate()
    host.wait()
    assert [end.exit_code for end in host.trial_ends()] == [0]


def test_killed_runner_is_taken_up(host: HostFolder) -> None:
    knob = host.folder / "knob"
    knob.write_text("1\n")
    gate = host.folder / "gate"
    wait = trial("b", f"[ -e '{gate}' ] || sleep 6{host.folder.stat().st_ino}", Setting(str(knob), "2"))
    host.start(trial("a", "true"), wait, trial("c", f"cat '{knob}'"))
    host.wait_for('"start","trial":"b"')
    while not sleepers(host):
        time.sleep(0.02)
    host.kill_runner()
    while host.status() == "running":
        time.sleep(0.02)
    assert host.status() == "dead"
    assert sleepers(host)
    assert knob.read_text() == "2\n"
    with (host.block / "journal.jsonl").open("ab") as journal:
        journal.write(b'{"event":"trial","trial":"b","tag":{"n\0\0\0')
    gate.touch()
    assert host.start().returncode == 0
    assert not sleepers(host)
    host.wait()
    assert [(end.trial, end.exit_code) for end in host.trial_ends()] == [("a", 0), ("b", 0), ("c", 0)]
    assert host.trial_ends()[2].stdout == "1"
    assert [event["event"] for event in host.documents()].count("begin") == 2
    assert host.end().reason == "complete"


def test_stop_waits_for_the_running_trial(host: HostFolder) -> None:
    knob = host.folder / "knob"
    knob.write_text("1\n")
    host.start(trial("a", "sleep 1", Setting(str(knob), "2")), trial("b", "true"))
    host.wait_for('"start"')
    assert host.stop().returncode == 0
    host.wait()
    assert [end.trial for end in host.trial_ends()] == ["a"]
    assert host.end().reason == "stopped"
    assert host.status() == "stopped"
    assert knob.read_text() == "1\n"
    # The same command carries on, and the journal has one end.
    assert [end.trial for end in host.run()] == ["a", "b"]
    assert [event["event"] for event in host.documents()].count("end") == 1


@pytest.mark.parametrize("deaf", [False, True])
def test_stop_now_ends_the_trial_and_puts_back(host: HostFolder, deaf: bool) -> None:
    knob = host.folder / "knob"
    knob.write_text("1\n")
    script = asleep(host).argv[-1]
    if deaf:
        script = f"trap '' TERM; {script} & wait; wait"
    host.start(trial("a", "true"), trial("b", script, Setting(str(knob), "2")), trial("c", "true"))
    while not sleepers(host):
        time.sleep(0.02)
    assert host.stop("now").returncode == 0
    assert host.status() == "stopped"
    assert not sleepers(host)
    assert knob.read_text() == "1\n"
    assert [end.trial for end in host.trial_ends()] == ["a"]
    assert host.end().reason == "stopped"


def test_stop_of_a_dead_runner_puts_back(host: HostFolder) -> None:
    knob = host.folder / "knob"
    knob.write_text("1\n")
    host.start(trial("a", asleep(host).argv[-1], Setting(str(knob), "2"), limit=3600))
    while not sleepers(host):
        time.sleep(0.02)
    host.kill_runner()
    while host.status() == "running":
        time.sleep(0.02)
    assert host.stop().returncode == 0
    wait_until_gone(sleepers, host)
    wait_until_gone(processes, str(host.runner_script))  # its alarm too
    assert knob.read_text() == "1\n"


def test_settings_that_cannot_be_put_back_end_the_block(host: HostFolder) -> None:
    knob = host.folder / "knob"
    knob.write_text("1\n")
    host.start(trial("a", f"rm '{knob}'", Setting(str(knob), "2")), trial("b", "true"))
    host.wait()
    assert [end.trial for end in host.trial_ends()] == ["a"]
    assert host.end().reason == "failed"
    assert str(knob) in host.end().detail
    refused = host.start()
    assert refused.returncode == 1
    assert str(knob) in refused.stderr.decode()
    knob.write_text("7\n")
    assert [end.trial for end in host.run()] == ["a", "b"]
    assert knob.read_text() == "1\n"


def test_no_trials_file(host: HostFolder) -> None:
    refused = host.start()
    assert refused.returncode == 1
    assert "trials: cannot be read" in refused.stderr.decode()
    assert host.sh(host.runner_script, "sing").returncode == 2
    assert host.status() == "new"


def test_short_trials_leave_no_watchdog_behind(host: HostFolder) -> None:
    limit = 50000 + host.folder.stat().st_ino % 10000
    ends = host.run(*(trial(f"t{number}", ":", limit=limit) for number in range(60)))
    assert len(ends) == 60
    assert processes(f"sleep\x00{limit}") == []


SLOW = "#!/bin/sh\necho started >>'{log}'\nsleep 1\n"


def test_stop_now_while_settings_of_a_dead_runner_are_restored(host: HostFolder) -> None:
    """It returns when they are restored."""
    knob, log, tools = host.folder / "knob", host.folder / "log", host.folder / "tools"
    knob.write_text("2\n")
    host.base.mkdir()
    boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    lines = [f"{boot} '{knob}' '1' '2'", f"{boot} 'module:no-such' 'loaded' 'absent'"]
    (host.base / "settings.trial").write_text("\n".join(lines) + "\n")
    tools.mkdir()
    (tools / "modprobe").write_text(SLOW.format(log=log))
    (tools / "modprobe").chmod(0o755)
    host.environment["PATH"] = f"{tools}:{host.environment['PATH']}"
    (host.block / "trials").write_bytes(encode_trials([trial("a", "true")]))
    start = subprocess.Popen(
        ["/usr/bin/env", "sh", str(host.runner_script), "start", str(host.base), str(host.block)],
        env=host.environment, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    while not log.exists():
        time.sleep(0.02)
    stopped = host.stop("now")
    assert start.wait(TIME_LIMIT_S) == 1
    assert stopped.returncode == 1  # the module cannot be loaded
    assert "module:no-such" in stopped.stderr.decode()
    assert knob.read_text() == "1\n"


def test_stop_now_where_no_file_can_be_made(host: HostFolder) -> None:
    if os.geteuid():
        pytest.skip("needs to be root")
    host.start(asleep(host))
    while not sleepers(host):
        time.sleep(0.02)
    script = 'mount --bind "$1" "$1" && mount -o remount,ro,bind "$1" && shift && exec "$@"'
    host.prefix = ("/usr/bin/unshare", "--mount", "sh", "-c", script, "sh", str(host.block))
    assert host.stop("now").returncode == 0
    host.prefix = ()
    assert not sleepers(host)
    assert host.status() == "stopped"


def test_children_of_whoever_became_the_runner_are_no_strays(host: HostFolder) -> None:
    (host.block / "trials").write_bytes(encode_trials([trial("a", "true"), trial("b", "true")]))
    argument = f"6{host.folder.stat().st_ino}"
    script = f'sleep {argument} & exec sh "$@"'
    run = (str(host.runner_script), "run", str(host.base), str(host.block))
    subprocess.run(["/usr/bin/env", "sh", "-c", script, "sh", *run], env=host.environment, check=True)
    (left,) = sleepers(host)
    os.kill(left, signal.SIGKILL)
    assert [end.strays for end in host.trial_ends()] == [False, False]


def test_start_without_standard_streams_returns(host: HostFolder) -> None:
    (host.block / "trials").write_bytes(encode_trials([asleep(host)]))
    script = 'exec sh "$@" <&- >&-'
    words = (str(host.runner_script), "start", str(host.base), str(host.block))
    ended = subprocess.run(
        ["/usr/bin/env", "sh", "-c", script, "sh", *words], env=host.environment, timeout=TIME_LIMIT_S
    )
    assert ended.returncode == 0
    assert host.status() == "running"
    host.stop("now")
