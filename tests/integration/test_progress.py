"""What a user sees while a run goes on: lines in a pipe, and a part of the screen on a terminal."""

from __future__ import annotations

import re
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.netns import Fleet, a_fleet
from tests.running import User
from tests.screens import OnTerminal

WAITS = """
name: waits
benchmark:
  command: [sh, -c, 'until [ -e GATE{n} ]; do sleep 0.1; done; echo x=1; exit {code}']
  metrics: {x: {key_value: x, unit: count}}
  arguments: {code: 0}
factors: {n: [1, 2]}
order: {within_block: listed}
repetitions: 1
"""
TRIAL = r"trial [0-9a-f]{12} \[n=1\], \d+ s of at most 300 s"
BAR = r"trials .*[01]/2 \d:\d\d:\d\d ETA .*"


def waiting_file(user: User) -> Path:
    """Return an experiment whose trials wait for the files ``gate1`` and ``gate2``."""
    return user.file(WAITS.replace("GATE", str(user.folder / "gate")), trial="5min")


def on_terminal(user: User, *words: str | Path, **options: object) -> OnTerminal:
    return OnTerminal(user, "run", waiting_file(user), *words, *user.options, **options)  # type: ignore[arg-type]


def open_gates(user: User) -> None:
    for number in (1, 2):
        (user.folder / f"gate{number}").touch()


def test_a_pipe_is_told_what_is_being_waited_for(user: User) -> None:
    process = user.begin_run(waiting_file(user))
    assert process.stderr is not None
    lines = iter(process.stderr.readline, "")
    found = next(
        (
            line
            for line in lines
            if re.search(rf"^\[ *\d+\.\d s\] testhost: {TRIAL} \(0 of 2 trials ended\)$", line)
        ),
        "",
    )
    open_gates(user)
    assert user.end(process).code == 0
    assert found


def test_other_commands_tell_what_they_wait_for_too(user: User) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        process = user.begin("hosts", "check", f"root@127.0.0.1:{silent.getsockname()[1]}")
        assert process.stderr is not None
        first = process.stderr.readline()
        process.kill()
    assert re.fullmatch(r"\[ *\d+\.\d s\] root@127\.0\.0\.1:\d+: connecting, \d+ s\n", first)


def test_a_terminal_shows_the_running_trial_above_the_bar(user: User) -> None:
    terminal = on_terminal(user)
    wanted = re.compile(rf"testhost  0/2  block 0, kernel default: {TRIAL}")
    terminal.wait_for(lambda: wanted.fullmatch(terminal.visible[-2]))
    assert re.fullmatch(BAR, terminal.visible[-1])
    open_gates(user)
    assert terminal.end() == 0, terminal.raw


def test_messages_and_the_screen_do_not_tear_each_other(user: User) -> None:
    terminal = on_terminal(user, "--set", "benchmark.arguments.code=1", "-vv", columns=60)
    terminal.wait_for(lambda: "0/2" in terminal.visible[-1])
    open_gates(user)
    assert terminal.end() == 1, terminal.raw
    written = "\n".join(terminal.screen.lines)
    for number in (1, 2):  # longer than a line of this terminal, which wraps it
        cell = rf"trial [0-9a-f]{{12}} on testhost \[kernel=default, n={number}\]"
        message = rf"^{cell}: failed: exit code 1; last line of stdout: x=1$"
        assert re.search(message, re.sub(r"(?<=^.{60}$)\n", "", written, flags=re.MULTILINE), re.MULTILINE)
    assert written.count("ETA") == 1


def test_ctrl_c_is_acknowledged_in_a_line_of_its_own(user: User) -> None:
    """And what the log then says is not overwritten."""
    terminal = on_terminal(user, "-vv")
    terminal.wait_for(lambda: re.search(TRIAL, terminal.visible[-2]))
    terminal.type(b"\x03")
    words = "SIGINT: stopping after the running trial; again: at once"
    terminal.wait_for(lambda: words in [line.rstrip() for line in terminal.screen.lines])
    open_gates(user)
    assert terminal.end() == 130, terminal.raw
    assert "^C" not in "".join(line for line in terminal.screen.lines if "SIGINT" in line or "ETA" in line)
    assert any(line.startswith("orchestrate: the run ended early: ") for line in terminal.screen.lines)


def test_ctrl_c_ends_other_commands_with_a_line_of_its_own(user: User) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"root@127.0.0.1:{silent.getsockname()[1]}"
        terminal = OnTerminal(user, "hosts", "check", address)
        terminal.wait_for(lambda: "connecting" in "".join(terminal.screen.lines))
        terminal.type(b"\x03")
        terminal.wait_for(lambda: "orchestrate: interrupted" in terminal.screen.lines)
        assert terminal.end() == 130, terminal.raw
    assert terminal.raw.count("interrupted") == 1


def test_a_question_is_left_alone_and_ctrl_c_answers_it(user: User) -> None:
    terminal = OnTerminal(user, "init")
    terminal.wait_for(lambda: "[migbench]:" in terminal.raw)
    time.sleep(10)
    terminal.type(b"\x03")
    assert terminal.end() == 130, terminal.raw
    assert "still running" not in terminal.raw
    assert terminal.raw.count("interrupted") == 1


@pytest.mark.parametrize("environment", [{"TERM": "dumb"}, {"NO_COLOR": "1"}])
def test_a_terminal_gets_what_it_can_show(user: User, environment: dict[str, str]) -> None:
    open_gates(user)
    terminal = on_terminal(user, "-v", **environment)
    assert terminal.end() == 0, terminal.raw
    is_dumb = "TERM" in environment
    assert ("\x1b" in terminal.raw) == (not is_dumb)
    assert not re.search(r"\x1b\[[0-9;]*[1-9][0-9;]*m", terminal.raw)
    assert ("] testhost: " in terminal.raw) == is_dumb


@pytest.fixture
def fleet(tmp_path: Path) -> Iterator[Fleet]:
    (tmp_path / "fleet").mkdir()
    with a_fleet(tmp_path / "fleet") as fleet:
        yield fleet


def test_the_hosts_of_a_fleet_share_a_small_terminal(fleet: Fleet, tmp_path: Path) -> None:
    for number in range(4):
        fleet.add(f"n{number}")
    fleet.wait_until_up()
    (tmp_path / "user").mkdir()
    user = fleet.user(tmp_path / "user")
    places = ("--set", "hosts={provider: ssh, group: fleet, fleet: replicate}")
    terminal = on_terminal(user, *places, rows=7)
    row = r"n\d  0/2  block \d, kernel default: trial \w{12} \[n=1\], \d+ s of at most 300 s"
    terminal.wait_for(lambda: all(re.fullmatch(row, line) for line in terminal.visible[-4:-2]))
    assert terminal.visible[-2] == "... and 2 more"
    assert "0/8" in terminal.visible[-1]
    open_gates(user)
    assert terminal.end() == 0, terminal.raw
