"""When a trial was disturbed, by what its host measured."""

from __future__ import annotations

from typing import Any

import pytest

from orchestrator.execution.noise import reasons
from orchestrator.experiment.model import KernelMessages, Noise

GIB = 1024**3
QUIET: dict[str, Any] = {
    "load": 0.5,
    "worked": 10.0,
    "stolen": 0.0,
    "frequency": 3e9,
    "throttled": 0,
    "logins": 1,
    "nodes": [
        {"node": 0, "free_memory": 4 * GIB, "free_huge_pages": 64},
        {"node": 1, "free_memory": GIB, "free_huge_pages": 8},
    ],
}
BARE = QUIET | {"frequency": None, "throttled": None}
STOLEN = "steal time > 25%"
THROTTLED = "CPUs throttled (temperature)"
MEMORY = "free memory of a node before the trial < 2GiB"
PAGES = "free huge pages of a node before the trial < 9"


@pytest.mark.parametrize("measured", [{}, QUIET, BARE])
def test_a_quiet_host_disturbs_nothing(measured: dict[str, Any]) -> None:
    assert reasons(Noise(), 2, measured, None) == []
    all_limits = Noise(load=0.5, memory_per_node=GIB, free_huge_pages_per_node=8, logins=1)
    assert reasons(all_limits, 2, measured, ()) == []


@pytest.mark.parametrize(
    ("limits", "measured", "expected"),
    [
        ({}, {"stolen": 3.0}, []),
        ({}, {"stolen": 4.0}, [STOLEN]),
        ({}, {"worked": 0.0, "stolen": 0.09}, []),
        ({}, {"worked": 0.0, "stolen": 0.1}, [STOLEN]),
        ({"steal": None}, {"stolen": 40.0}, []),
        ({}, {"throttled": 1}, [THROTTLED]),
        ({"throttling": False}, {"throttled": 1}, []),
        ({"load": 0.0}, {}, ["load average before the trial > 0"]),
        ({"load": 0.5}, {"load": 0.51}, ["load average before the trial > 0.5"]),
        ({"frequency": 3e9}, {}, []),
        ({"frequency": 3.1e9}, {}, ["busiest CPU below 3.1 GHz"]),
        ({"frequency": 3e9}, {"frequency": None}, ["CPU frequency not available"]),
        ({"logins": 0}, {}, ["open terminals > 0"]),
        ({"memory_per_node": 2 * GIB}, {}, [MEMORY]),
        ({"free_huge_pages_per_node": 9}, {}, [PAGES]),
        ({"logins": 1}, {"stolen": 4.0, "throttled": 2, "logins": 2},
         [STOLEN, THROTTLED, "open terminals > 1"]),
    ],
)  # fmt: skip
def test_what_is_past_its_limit(
    limits: dict[str, Any], measured: dict[str, Any], expected: list[str]
) -> None:
    assert reasons(Noise(**limits), 2, QUIET | measured, ()) == expected


def test_a_trial_too_short_to_tell_its_frequency_is_not_judged_by_it() -> None:
    short = {name: value for name, value in QUIET.items() if name != "frequency"}
    assert reasons(Noise(frequency=9e9), 1, short, ()) == []


def test_as_many_nodes_must_have_memory_as_the_experiment_needs() -> None:
    noise = Noise(memory_per_node=2 * GIB, free_huge_pages_per_node=9)
    assert reasons(noise, 1, QUIET, ()) == []
    assert reasons(noise, 2, QUIET, ()) == [MEMORY, PAGES]


ERROR = "<3>[  12.5] EXT4-fs (vda1): error"


@pytest.mark.parametrize(
    ("noise", "lines", "message"),
    [
        (KernelMessages(), ["<6>[ 1.0] info", "<4>[ 1.0] warning"], None),
        (KernelMessages(), ["<6>[ 1.0] info", ERROR, "<2>[ 13.0] worse"], "EXT4-fs (vda1): error"),
        (KernelMessages(), ["<3>[ 12.5][  T123] with its thread"], "with its thread"),
        (KernelMessages(), ["<0>without a time"], "without a time"),
        (KernelMessages(4), ["<4>[ 1.0] WARNING: CPU: 0"], "WARNING: CPU: 0"),
        (KernelMessages(), ["<11>[ 1.0] of a program", "<27>[ 1.0] systemd[1]: of another"], None),
        (KernelMessages(), ["[ 1.0] without a level"], None),
        (KernelMessages(3, (r"^EXT4-fs \(vda\d\)",)), [ERROR], None),
        (KernelMessages(3, ("usb", "XFS")), [ERROR], "EXT4-fs (vda1): error"),
        (KernelMessages(3, ("EXT4",)), [ERROR, "<3>[ 13.0] another"], "another"),
        (None, [ERROR], None),
    ],
)
def test_messages_of_the_kernel(noise: KernelMessages | None, lines: list[str], message: str | None) -> None:
    expected = [] if message is None else [f"kernel message: {message}"]
    assert reasons(Noise(kernel_log=noise), 1, QUIET, lines) == expected
