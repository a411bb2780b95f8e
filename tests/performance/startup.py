"""What a command takes to start: CPU time beside that of the imports it cannot do without, and of other programs."""

from __future__ import annotations

import statistics
from pathlib import Path

from tests.performance.environments import PROJECT, Environments
from tests.performance.usage import measure


def measure_rounds(folder: Path, environments: Environments, rounds: int) -> dict[str, list[float]]:
    """Return milliseconds of CPU time by command, in turns; one round that fills caches is not counted."""
    ours, python = str(environments.orchestrate), str(environments.own_python)
    quickstart = str(PROJECT / "experiments" / "quickstart.yaml")
    commands = {
        "python -c pass": [python, "-c", "pass"],
        "import click": [python, "-c", "import click"],
        "import yaml, jsonschema": [python, "-c", "import yaml, jsonschema"],
        "orchestrate --version": [ours, "--version"],
        "orchestrate --help": [ours, "--help"],
        "orchestrate validate": [ours, "validate", quickstart],
        "orchestrate plan": [ours, "plan", quickstart],
    }
    if environments.has_peers:
        for program in ("ansible", "pyinfra", "reframe"):
            commands[f"{program} --version"] = [str(environments.peer(program)), "--version"]
    place = folder / "startup"
    place.mkdir()
    # Users have compiled modules; some environments of tests forbid to write them.
    environment = {"PYTHONPYCACHEPREFIX": str(folder / "pycache"), "PYTHONDONTWRITEBYTECODE": ""}
    times: dict[str, list[float]] = {name: [] for name in commands}
    for number in range(rounds + 1):
        for name, command in commands.items():
            cpu = measure(command, place, environment).cpu * 1000
            if number:
                times[name].append(cpu)
    return times


def ratios(times: dict[str, list[float]]) -> dict[str, float]:
    """Return what is asked of us, as ratios of medians."""
    medians = {name: statistics.median(values) for name, values in times.items()}
    imports = medians["import yaml, jsonschema"]
    return {
        "CPU of --help / import click": medians["orchestrate --help"] / medians["import click"],
        "CPU of validate / import yaml, jsonschema": medians["orchestrate validate"] / imports,
        "CPU of plan / import yaml, jsonschema": medians["orchestrate plan"] / imports,
    }
