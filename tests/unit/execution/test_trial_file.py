"""The trials file, as it is written."""

from __future__ import annotations

import pytest

from orchestrator.errors import BadInput
from orchestrator.execution.trial_file import HostTrial, encode_trials, host_trial
from orchestrator.experiment.model import Limits, Setting
from orchestrator.hosts.remote.settings import encode_settings
from orchestrator.plan.model import Cell, Trial


def test_bytes_that_are_not_utf_8_survive() -> None:
    name = b"/srv/\xff\x81".decode("utf-8", "surrogateescape")
    assert b"\xff\x81" in encode_trials([HostTrial("t", {}, name, ("true",))])


def test_what_no_host_can_execute() -> None:
    for trial in (
        HostTrial("t", {}, "/", ()),
        HostTrial("t", {}, "/", ("a\0b",)),
        HostTrial("a b", {}, "/", ("true",)),
        HostTrial("t", {}, "/", ("true",), (Setting("/proc/x", "1\n2"),)),
    ):
        with pytest.raises(BadInput):
            encode_trials([trial])


def test_time_limit_in_seconds() -> None:
    (line,) = encode_trials([HostTrial("t", {}, "/", ("true",), time_limit=59.5)]).splitlines()
    assert line == b"t 59.500 '{}' / 0.00 0 true"


def test_settings_list() -> None:
    assert encode_settings([Setting("/sys/a b*", "x", optional=True)]) == b"'/sys/a b*' x optional\n"
    assert encode_settings([]) == b""


def test_trial_of_a_plan() -> None:
    cell = Cell("c1", "k", {}, ("./bench", "--n=1"), (Setting("/proc/sys/vm/x", "1"),))
    made = host_trial(
        Trial("t1", cell, 2), Limits(trial=5, settle=1), "/r", {"cell": "c1"}, ("taskset", "-c", "0")
    )
    assert made == HostTrial(
        "t1", {"cell": "c1"}, "/r", ("taskset", "-c", "0", "./bench", "--n=1"), cell.settings, 5, 1
    )
