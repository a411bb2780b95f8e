"""The lock of a host is taken, whatever its script says; `test_host_lock.py` has what it says."""

from __future__ import annotations

import pytest

from orchestrator.errors import HostError
from orchestrator.hosts.remote import lock
from orchestrator.hosts.remote.folder import HostFolder
from orchestrator.hosts.testing import ScriptedHost

OTHER = lock.Holder("another", "me", "elsewhere", "2026-11-28T10:00:00Z", "")


def test_a_lock_that_has_just_been_released_is_taken() -> None:
    host = ScriptedHost("n1")
    host.answer("lock.sh take", exit_code=lock.HELD, times=2)
    holder = lock.take(HostFolder(host, root=True), "a run")
    assert holder.run == "a run"
    assert len(host.commands) == 3


def test_a_lock_that_is_to_be_broken_and_has_just_been_released_is_taken_as_a_free_one() -> None:
    host = ScriptedHost("n1")
    host.answer("lock.sh take", stdout=OTHER.line, exit_code=lock.HELD, times=1)
    host.answer("lock.sh take", exit_code=lock.HELD, times=1)
    lock.take(HostFolder(host, root=True), "a run", break_lock=True)
    assert ["another" in command for command in host.commands] == [False, True, False]


def test_a_lock_that_cannot_be_made_though_there_is_none_says_why() -> None:
    host = ScriptedHost("n1")
    host.answer("lock.sh take", stderr="ln: lock: Operation not permitted\n", exit_code=lock.HELD)
    with pytest.raises(HostError, match=r"^n1: cannot write the lock: ln: lock: Operation not permitted$"):
        lock.take(HostFolder(host, root=True), "a run")
    assert len(host.commands) == lock.TRIES


def test_an_empty_lock_names_the_command_that_removes_it() -> None:
    host = ScriptedHost("n1")
    host.answer("lock.sh take", stdout="\n", exit_code=lock.HELD, times=2)
    with pytest.raises(HostError, match=r"^n1: locked by unknown holder .* orchestrate hosts unlock n1$"):
        lock.take(HostFolder(host, root=True), "a run")
    lock.take(HostFolder(host, root=True), "a run", break_lock=True)
    assert host.commands[-1].endswith(" ''")
