"""Measure our program beside what people use instead, and write docs/performance.md: ``make performance``."""

from __future__ import annotations

import argparse
import json
import os
import shlex
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.performance import disturbance, fleets, guests, page, planning, startup, trials
from tests.performance.contenders import Loop, Ours
from tests.performance.environments import PROJECT, Environments
from tests.performance.usage import adopt_orphans

PLOT = "performance-trials.svg"


MOST = {
    "wall per trial, orchestrate / loop": 8,
    "CPU of the host per trial, orchestrate / loop": 8,
    "CPU of --help / import click": 3,
    "CPU of validate / import yaml, jsonschema": 3,
    "CPU of plan / import yaml, jsonschema": 3,
}
"""Above these ratios the short form fails: several times what was found, for it runs where much else does."""


def main() -> int:
    """Measure; write the page, or in the short form compare with :data:`MOST`. Return the exit code."""
    parser = argparse.ArgumentParser(prog="performance", description=__doc__)
    parser.add_argument(
        "--short", action="store_true", help="few trials, no peers and no page; fail on large ratios"
    )
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--hosts", type=int, nargs="+", default=[1, 8])
    parser.add_argument("--fleets", type=int, nargs="+", default=[1, 10, 100, 300], help="sizes of fleets")
    parser.add_argument("--output", type=Path, default=PROJECT / "docs", help="directory of the page")
    options = parser.parse_args()
    if os.geteuid() != 0 and not options.short:
        print("performance: its hosts are network namespaces, which only root can make", file=sys.stderr)
        return 2
    adopt_orphans()
    with tempfile.TemporaryDirectory(prefix="performance-") as name:
        if options.short:
            return measure_short(Path(name))
        measure_all(Path(name), options)
        return 0


def measure_short(folder: Path) -> int:
    """Measure what takes a minute, with the program of this environment."""
    environments = Environments(own=Path(sys.prefix))
    ratios = startup.ratios(startup.measure_rounds(folder, environments, 3))
    if os.geteuid() == 0:
        ratios |= trials.ratios(trials.measure_rounds(folder, environments, 1, 3, (Loop, Ours)))
    print(page.ratios_table(ratios))
    above = [name for name, most in MOST.items() if ratios.get(name, 0) > most]
    for name in above:
        print(f"{name}: more than {MOST[name]}", file=sys.stderr)
    return 1 if above else 0


def measure_all(folder: Path, options: argparse.Namespace) -> None:
    """Measure everything and write the page."""
    rounds, output = options.rounds, options.output
    environments = Environments()
    environments.install()
    costs = {count: trials.measure_rounds(folder, environments, count, rounds) for count in options.hosts}
    started = startup.measure_rounds(folder, environments, rounds)
    plans = planning.measure_plans(folder, environments, rounds)
    reports = planning.measure_reports(folder, environments, rounds)
    disturbed = disturbance.measure_disturbance(folder, environments, rounds)
    booted = guests.measure_guests(folder, environments, rounds)
    points = fleets.measure_fleets(folder, environments, options.fleets)
    ratios = {
        f"{name} ({count} host{'s' * (count > 1)})": value
        for count, of_count in costs.items()
        for name, value in trials.ratios(of_count).items()
    }
    ratios |= startup.ratios(started) | planning.ratios(plans, reports)
    medians = {
        count: {name: statistics.median(cost.wall for cost in of_name) for name, of_name in of_count.items()}
        for count, of_count in costs.items()
    }
    (folder / "medians.json").write_text(json.dumps(medians))
    plot = PROJECT / "tests" / "performance" / "programs" / "plot.py"
    subprocess.run((environments.python, plot, folder / "medians.json", output / PLOT), check=True)
    described = page.environment(environments.versions())
    page.write(
        output / "performance.md",
        page.Figures(
            shlex.join(("python", "-m", "tests.performance", *sys.argv[1:]))
            if sys.argv[1:]
            else "make performance",
            described,
            rounds,
            ratios,
            costs,
            disturbed,
            points,
            started,
            [*plans, *reports],
            booted,
        ),
        [PLOT],
    )
    print(page.ratios_table(ratios))
    print(f"written: {output / 'performance.md'}")


if __name__ == "__main__":
    sys.exit(main())
