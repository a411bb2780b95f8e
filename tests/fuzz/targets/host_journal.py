"""The journal on a host, and the record of a trial that is made of its lines."""

from __future__ import annotations

import json

from orchestrator.execution.host_journal import Reader, TrialEnd
from orchestrator.execution.outcome import record
from orchestrator.results import codec
from tests.fuzz import mutation
from tests.fuzz.target import Target
from tests.fuzz.targets.benchmark_output import PLACE, experiment_and_trial
from tests.unit.execution.test_host_journal import HEADER, TRIAL

START = '{"event":"start","trial":"t1","uptime":100.25}'
END = '{"event":"end","reason":"complete","detail":"","uptime":103}'
KEYS = (*TRIAL, "event", "format", "epoch", "uptime", "usage", "stderr_cut", "memory_peak", "frequency")


def run(data: bytes) -> None:
    reader = Reader("n1:/journal")
    for line in data.split(b"\n"):
        event = reader.read(line)
        if isinstance(event, TrialEnd):
            written = codec.to_line(record(*experiment_and_trial(), PLACE, event, True))
            assert codec.to_line(codec.from_line(written)) == written


TARGET = Target(
    "host-journal",
    run,
    ("orchestrator.execution.host_journal",),
    lambda: [
        "\n".join((HEADER, START, json.dumps(TRIAL), END)).encode(),
        "\n".join(
            (HEADER, json.dumps({**TRIAL, "usage": {"of": "cgroup", "user": 0.5, "system": 1}}))
        ).encode(),
    ],
    mutation.json_lines(*KEYS),
)
