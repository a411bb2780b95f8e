"""Standard streams that are closed, or cannot be written: what is to be done is done, and the exit code is right."""

from __future__ import annotations

import pytest

from tests.running import User

QUICK = """
name: quick
hosts: {provider: local}
benchmark: {command: [echo, "x={n}"], metrics: {x: {key_value: x, unit: count}}}
factors: {n: [1, 2]}
repetitions: 1
"""
RUN = ("run", "sweep.yaml", "--new")
CODES = {
    ("validate", "nosuch.yaml"): 2,
    ("nosuch",): 2,
    ("report", "nosuch"): 2,
    ("report", "quick"): 0,
    ("results", "list"): 0,
    ("results", "show", "quick"): 0,
    ("results", "prune", "--keep", "9"): 0,
    ("init",): 0,
    ("shell", "local", "--", "true"): 0,
}
BREAKS = ("2>/dev/full", "2>&-", ">&-", "<&-")


def started(user: User, how: str, *words: str) -> int:
    """The exit code of a command that a shell starts with a redirection."""
    user.prefix = ("sh", "-c", f'exec "$@" {how}', "sh")
    try:
        ended = user.orchestrate(*words)
    finally:
        user.prefix = ()
    assert "internal error" not in ended.err
    return ended.code


@pytest.fixture
def local(local_user: User) -> User:
    """A user with a run of which all trials have ended."""
    local_user.file(QUICK)
    assert local_user.orchestrate(*RUN).code == 0
    return local_user


@pytest.mark.parametrize("how", BREAKS)
def test_a_run_is_done_to_its_end(local: User, how: str) -> None:
    assert started(local, how, *RUN) == 0
    assert local.orchestrate("results", "list").out.count(" complete") == 2


@pytest.mark.parametrize("how", BREAKS)
def test_a_command_has_its_exit_code(local: User, how: str) -> None:
    assert {words: started(local, how, *words) for words in CODES} == CODES


def test_what_is_written_to_a_file_does_not_reach_a_closed_stream(local: User) -> None:
    """Without standard output, a file that is opened first would be it."""
    assert started(local, ">&-", "report", "quick", "--output", "report.txt") == 0
    assert started(local, ">&-", "validate", "sweep.yaml") == 0
    assert local.folder.joinpath("report.txt").read_text().startswith("quick, run ")
