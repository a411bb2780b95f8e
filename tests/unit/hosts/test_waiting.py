"""Progress of waits: never silent for long, and a line at each change."""

from __future__ import annotations

import threading

import pytest

from orchestrator.hosts.waiting import waiting


def test_a_call_that_does_not_return_is_reported_again_and_again() -> None:
    lines: list[str] = []
    enough = threading.Event()

    def note(line: str) -> None:
        lines.append(line)
        if len(lines) == 3:
            enough.set()

    with waiting(note, "i-1", "starting", 300, interval=0.01):
        assert enough.wait(60)
    assert lines[0] == "i-1: starting, 0 s of at most 300 s"


def test_a_change_is_reported_once() -> None:
    lines: list[str] = []
    with waiting(lines.append, "i-1", "starting") as wait:
        for state in ("starting", "running", "running", "stopped"):
            wait.say(state)
    assert lines == ["i-1: running, 0 s", "i-1: stopped, 0 s"]


def test_nothing_is_reported_after_an_error() -> None:
    lines: list[str] = []
    with pytest.raises(OSError), waiting(lines.append, "i-1", "starting", interval=0.01):  # noqa: PT011
        raise OSError
    seen = len(lines)
    threading.Event().wait(0.1)
    assert len(lines) == seen
