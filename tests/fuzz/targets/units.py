"""Sizes, durations, frequencies and shares; lists of CPUs; addresses of hosts."""

from __future__ import annotations

import math

from orchestrator import units
from orchestrator.cpu_lists import format_cpus, parse_cpus
from orchestrator.errors import OrchestratorError
from orchestrator.hosts.inventory.inventory import parse_address
from orchestrator.hosts.slurm.check import time_limit_minutes
from orchestrator.hosts.slurm.commands import task_indices
from tests.fuzz import mutation
from tests.fuzz.target import Target, raise_longest


def run(data: bytes) -> None:
    text = data.decode("utf-8", "surrogateescape")
    refused: list[OrchestratorError] = []
    for parse in (units.parse_size, units.parse_duration, units.parse_frequency, units.parse_share):
        try:
            value = parse(text)
            assert math.isfinite(value)
            assert value >= 0
        except OrchestratorError as error:
            refused.append(error)
    units.parse_quantity(text)
    units.correct_size(text)
    units.binary_size(text)
    units.conversion(*text.partition(" ")[::2])
    time_limit_minutes(text)
    list(task_indices(text))
    if len(refused) < 3:
        return
    try:
        parse_address(text)
    except OrchestratorError as error:
        refused.append(error)
    try:
        cpus = parse_cpus(text)
        assert parse_cpus(format_cpus(cpus)) == cpus
    except OrchestratorError as error:
        refused.append(error)
    raise_longest(refused)


TARGET = Target(
    "units",
    run,
    ("orchestrator.units", "orchestrator.cpu_lists"),
    lambda: [
        *(
            b"2MiB",
            b"1.5 GB",
            b"500ms",
            b"5%",
            b"2.4GHz",
            b"MiB/s GiB/s",
            b"60",
            b"4k",
            b"1-02:03:04",
            b"12_[2,4-5%3]",
        ),
        *(b"0-3,8", b"0-1048575", b"user@host:22", b"[::1]:22", b"us ms"),
    ],
    mutation.text(
        b"KiB", b"ns", b"%", b"GHz", b"/s", b"0-1048575,", b"-", b",", b"@", b"[", b"]:", b".", "µs".encode()
    ),
)
