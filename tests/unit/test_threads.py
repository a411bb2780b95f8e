"""Calls in several threads, and the signals of the one that waits for them."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable

import pytest

from orchestrator.threads import in_threads, of_each


def call_each(function: Callable[[int], None]) -> None:
    list(of_each(2, function, [1]))


def call_in_threads(function: Callable[[int], None]) -> None:
    in_threads(2, function, [(1,)])


@pytest.mark.parametrize("call", [call_each, call_in_threads])
def test_a_signal_that_another_thread_gets_is_noticed(call: Callable[[Callable[[int], None]], None]) -> None:
    """The kernel gives a signal of the process to any thread that can take it."""
    noticed, was_late = threading.Event(), []

    def notice(*_: object) -> None:
        noticed.set()

    def work(_: int) -> None:
        time.sleep(0.3)  # the other one waits by now
        signal.pthread_kill(threading.get_ident(), signal.SIGUSR1)
        if not noticed.wait(30):
            was_late.append(True)

    before = signal.signal(signal.SIGUSR1, notice)
    try:
        call(work)
    finally:
        signal.signal(signal.SIGUSR1, before)
    assert not was_late
