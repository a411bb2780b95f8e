"""``benchmark.yaml`` of a role: metrics, patterns and arguments."""

from __future__ import annotations

from orchestrator.experiment.loader import load
from orchestrator.plan import Plan
from tests.fuzz import mutation, scratch, seeds
from tests.fuzz.target import Target

EXPERIMENT = b"version: 1\nbenchmark: {role: fuzzed}\nfactors: {pages: [1, 2]}\n"
SMALL = rb"""
command: [prog, "--pages={pages}"]
headline: rate
metrics:
  rate: {regex: '^rate: (\S+)', unit: MiB/s, better: higher}
  time: {json: [a, "0"], unit: s}
arguments: {pages: {minimum: 1, maximum: 100}}
exit_codes: {3: unsupported}
"""
KEYS = (
    "command",
    "options",
    "choices",
    "ranges",
    "metrics",
    "regex",
    "json",
    "unit",
    "breakdown",
    "headline",
    "models",
)


def run(data: bytes) -> None:
    scratch.write("benchmark/roles/fuzzed/benchmark.yaml", data)
    scratch.write("benchmark/roles/fuzzed/tasks.yaml", b"[]\n")
    file = scratch.write("benchmark/experiment.yaml", EXPERIMENT)
    list(Plan(load(file), first=2).blocks())


TARGET = Target(
    "benchmark-role",
    run,
    ("orchestrator.experiment.benchmark", "orchestrator.experiment.metrics"),
    lambda: [SMALL, *seeds.read("roles/*/benchmark.yaml")],
    mutation.yaml_document(*KEYS),
)
