"""What a trial prints, and the record that is made of it."""

from __future__ import annotations

from functools import cache

from msgspec.structs import replace

from orchestrator.execution.host_journal import TrialEnd
from orchestrator.execution.outcome import TrialContext, record
from orchestrator.experiment.loader import load
from orchestrator.experiment.model import Experiment
from orchestrator.plan import Plan
from orchestrator.plan.model import Trial
from orchestrator.results import codec
from tests.fuzz import mutation, scratch
from tests.fuzz.target import Target

FILE = rb"""
version: 1
benchmark:
  command: [prog, "{mode}"]
  headline: rate
  metrics:
    rate: {json: rate, unit: MiB/s}
    deep: {json: metrics.a.2.b, unit: us}
    listed: {json: ["a.b", "0"], unit: "1"}
    key: {key_value: rate, unit: s}
    found: {regex: 'Copy: *([0-9.eE+-]+)', unit: MB/s}
    late: {regex: '^(?:x|y) ?= ?(\S+)', unit: ms, from: stderr}
    cpu: {usage: cpu, unit: s}
  exit_codes: {0: ok, 3: unsupported}
factors: {mode: [serial, parallel]}
"""
SEEN = TrialEnd(
    trial="t", tag={}, boot="b", refused="", exit_code=0, signal=None, timed_out=False, start="s", end="e",
    settled=True, waited=0.0, strays=False, changes=(), counters={}, noise={}, kernel_log=None, stdout="",
    stdout_cut=False, stderr="", usage={"user": 0.5, "system": 0.25},
)  # fmt: skip
PLACE = TrialContext(0, "h", "b", "metal")


@cache
def experiment_and_trial() -> tuple[Experiment, Trial]:
    experiment = load(scratch.write("output.yaml", FILE), provider_options={})
    plan = Plan(experiment)
    return experiment, next(iter(plan.trials(next(iter(plan.blocks())))))


def run(data: bytes) -> None:
    """The streams are separated by NUL; the first byte says how the program ended."""
    experiment, trial = experiment_and_trial()
    how, (stdout, _, stderr) = data[:1], data[1:].decode(errors="replace").partition("\0")
    seen = replace(
        SEEN,
        stdout=stdout[-96 << 10 :],
        stderr=stderr[-16 << 10 :],
        stdout_cut=how == b"c",
        exit_code={b"3": 3, b"1": 1}.get(how, 0),
    )
    written = codec.to_line(record(experiment, trial, PLACE, seen, True))
    assert codec.to_line(codec.from_line(written)) == written


TARGET = Target(
    "benchmark-output",
    run,
    (
        "orchestrator.execution.metrics",
        "orchestrator.execution.json_output",
        "orchestrator.execution.figures",
        "orchestrator.execution.streams",
        "orchestrator.execution.scales",
        "orchestrator.execution.outcome",
    ),
    lambda: [
        b'0{"rate": 1.5, "metrics": {"a": [1, 2, {"b": 3}]}, "reason": "no", "a.b": [7]}\0x = 3 ms\n',
        b"0rate=1\nrate = 2\nCopy: 123.4 MB/s\n\0x=1e3\ny = 2us\n",
        b'cnoise\n{"rate": 3}\n[1, {"rate": 4}]\n{"rate": 5} {"rate": 6}\n\0warning\n',
        b'3{"reason": "not supported"}\0',
        b"1\x1b[1mCopy: 1,234.5 kB/s\x1b[0m\r\n1 2 3 z\n\0error: x\n",
    ],
    mutation.text(
        b"Copy: ", b"rate=", b'{"rate": ', b"}", b"]", b"1 ", b"1" * 40, b"MB/s", b"KiB", b"e9", b"\x1b["
    ),
)
