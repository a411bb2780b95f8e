"""Requests to stop, while the machine is about to end as well."""

from __future__ import annotations

import signal
from collections.abc import Callable

import pytest

from orchestrator.execution.stopping import Stop


def interrupt(stop: Stop) -> None:
    stop.leave_machine("the cloud interrupts it")


def press_ctrl_c(stop: Stop) -> None:
    stop.request(signal.SIGINT)


def expire(stop: Stop) -> None:
    stop.expire("a limit")


def test_the_run_goes_on_with_another_machine() -> None:
    stop = Stop()
    interrupt(stop)
    assert (stop.level, stop.by) == (1, "the cloud interrupts it")
    assert stop.go_on()
    assert (stop.level, stop.by) == (0, "")
    assert not stop.go_on()


@pytest.mark.parametrize(("request_stop", "by"), [(press_ctrl_c, "SIGINT"), (expire, "a limit")])
@pytest.mark.parametrize("is_first", [True, False])
def test_what_stops_the_run_counts_more_than_the_machine(
    request_stop: Callable[[Stop], None], by: str, is_first: bool
) -> None:
    stop = Stop()
    for each in (request_stop, interrupt) if is_first else (interrupt, request_stop):
        each(stop)
    assert (stop.level, stop.by) == (1, by)
    assert not stop.go_on()
    assert stop.level == 1


def test_the_second_ctrl_c_stops_at_once() -> None:
    stop = Stop()
    interrupt(stop)
    press_ctrl_c(stop)
    press_ctrl_c(stop)
    assert stop.level == 2
