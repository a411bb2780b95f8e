"""What a plan of a million trials and a report of 100,000 take, beside the reading and writing of the same lines."""

from __future__ import annotations

import hashlib
import random
import statistics
import sys
from collections.abc import Iterator
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from orchestrator.results.codec import to_line
from orchestrator.results.records import MetricValue
from tests.performance.environments import Environments
from tests.performance.usage import measure
from tests.run_samples import BLOCK, END, RUN, trial

PLAN = """
version: 1
name: million
benchmark:
  command: [sleep, "0.{a}{b}{c}"]
  metrics: {t: {json: t, unit: s}}
factors:
  a: {range: {from: 1, to: 100}}
  b: {range: {from: 1, to: 100}}
  c: {range: {from: 1, to: CELLS}}
repetitions: REPETITIONS
"""
READ = "import json, sys\nfor line in open(sys.argv[1], 'rb'): json.loads(line)"
"""A script that reads a journal, and no more."""
WRITE = "import json, sys\nfor line in open(sys.argv[1]): sys.stdout.write(json.dumps(json.loads(line)) + chr(10))"
"""A script that reads JSON lines and writes them."""
TRIALS, CELLS = 100_000, 1000


class Work(Struct, frozen=True):
    """Seconds of CPU time of a command, by round."""

    name: str
    cpu: list[float]

    @property
    def median(self) -> float:
        """The median of the rounds."""
        return statistics.median(self.cpu)


def measure_plans(folder: Path, environments: Environments, rounds: int) -> list[Work]:
    """Print a million trials of a million cells, and of 10,000; write the lines of the former; count 10^8 trials."""
    place = folder / "plans"
    place.mkdir()
    files = {}
    for name, cells, repetitions in (("cells", 100, 1), ("repetitions", 1, 100), ("count", 100, 100)):
        files[name] = place / f"{name}.yaml"
        files[name].write_text(PLAN.replace("CELLS", str(cells)).replace("REPETITIONS", str(repetitions)))
    ours, lines = str(environments.orchestrate), place / "lines"
    commands = {
        "plan, 10^6 trials of 10^6 cells": [ours, "plan", str(files["cells"]), "--format", "jsonl"],
        "plan, 10^6 trials of 10^4 cells": [ours, "plan", str(files["repetitions"]), "--format", "jsonl"],
        "json.dumps(json.loads(line)) of the latter": [sys.executable, "-c", WRITE, str(lines)],
        "validate, 10^8 trials": [ours, "validate", str(files["count"])],
    }
    times: dict[str, list[float]] = {name: [] for name in commands}
    for _ in range(rounds):
        for name, command in commands.items():
            output = lines if command[1] == "plan" else None
            times[name].append(measure(command, place, output=output).cpu)
    return [Work(name, cpu) for name, cpu in times.items()]


def measure_reports(folder: Path, environments: Environments, rounds: int) -> list[Work]:
    """Report a run of :data:`TRIALS` trials, without an index and with it; read its journal."""
    place = folder / "reports"
    journal = place / "results" / RUN.experiment / RUN.run / "journal.jsonl"
    journal.parent.mkdir(parents=True)
    with journal.open("wb") as stream:
        stream.writelines(_lines())
    ours = [str(environments.orchestrate), "report", RUN.experiment, "--results", "results"]
    times: dict[str, list[float]] = {"json.loads of its lines": [], "report, first": [], "report, again": []}
    for _ in range(rounds):
        (place / "results" / "index.sqlite").unlink(missing_ok=True)
        for name in times:
            command = [sys.executable, "-c", READ, str(journal)] if name.startswith("json") else ours
            times[name].append(measure(command, place).cpu)
    return [Work(name, cpu) for name, cpu in times.items()]


def _lines() -> Iterator[bytes]:
    """Yield a journal whose records have the size of those of migbench, about 2 KB."""
    chance = random.Random(1)
    yield to_line(RUN)
    yield to_line(BLOCK)
    details = {"migbench": 2, "request": {f"option_{n}": str(n) for n in range(30)}}
    details["environment"] = {f"fact_{n}": "x" * 20 for n in range(20)}
    model = trial({"mode": "serial", "page_size": "4KiB", "threads": "1"}, 0, 3.0, 20.0, details=details)
    order = [(cell, repetition) for repetition in range(TRIALS // CELLS) for cell in range(CELLS)]
    chance.shuffle(order)
    for cell, repetition in order:
        yield to_line(
            replace(
                model,
                trial=hashlib.sha256(f"{cell} {repetition}".encode()).hexdigest()[:12],
                cell=hashlib.sha256(str(cell).encode()).hexdigest()[:12],
                repetition=repetition,
                factors={**model.factors, "bytes": str(cell)},
                metrics={
                    name: MetricValue(value.value * chance.lognormvariate(0, 0.05), value.unit)
                    for name, value in model.metrics.items()
                },
            )
        )
    yield to_line(END)


def ratios(plans: list[Work], reports: list[Work]) -> dict[str, float]:
    """Return what is asked of us, as ratios of medians."""
    of = {work.name: work.median for work in (*plans, *reports)}
    read = of["json.loads of its lines"]
    return {
        "CPU of a first report / reading its journal": of["report, first"] / read,
        "CPU of a report / reading its journal": of["report, again"] / read,
    }
