"""Reports of journals that were damaged or forged."""

from __future__ import annotations

from orchestrator.report import render
from orchestrator.report.model import open_report
from orchestrator.results.runs import RunFolder
from tests.fuzz import mutation, scratch
from tests.fuzz.target import Target
from tests.fuzz.targets.journal import KEYS, recorded

FORMATS = ("table", "json", "csv", "markdown", "junit", "mail")


def run(data: bytes) -> None:
    path = scratch.write("reports/fuzzed/20261128T150054809Z-9609/journal.jsonl", data)
    (path.parents[2] / "index.sqlite").unlink(missing_ok=True)
    with open_report(path.parents[2], RunFolder(path.parent)) as report:
        render(report, FORMATS[len(data) % len(FORMATS)])


TARGET = Target(
    "report", run, ("orchestrator.report", "orchestrator.analysis"), recorded, mutation.json_lines(*KEYS)
)
