"""Progress of waits: a line at each change, and what lasts is known to whoever shows what goes on."""

from __future__ import annotations

import pytest

from orchestrator.activities import current
from orchestrator.hosts.waiting import waiting


def test_what_is_waited_for_is_told_with_its_limit_while_it_lasts() -> None:
    lines: list[str] = []
    with waiting(lines.append, "i-1", "starting", 300):
        assert [str(one) for one in current()] == ["i-1: starting, 0 s of at most 300 s"]
    assert (current(), lines) == ([], [])


def test_a_change_is_reported_once() -> None:
    lines: list[str] = []
    with waiting(lines.append, "i-1", "starting", 2400) as wait:
        for state in ("starting", "running", "running", "stopped"):
            wait.say(state)
        assert [one.what for one in current()] == ["stopped"]
    assert lines == ["i-1: running, 0 s of at most 2400 s", "i-1: stopped, 0 s of at most 2400 s"]


def test_nothing_is_told_after_an_error() -> None:
    with pytest.raises(OSError), waiting(lambda _: None, "i-1", "starting"):  # noqa: PT011
        raise OSError
    assert current() == []
