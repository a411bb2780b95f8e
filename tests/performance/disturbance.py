"""How much who runs it disturbs a trial of 100 us that needs its CPU and its cache for itself."""

from __future__ import annotations

import statistics
from pathlib import Path

from msgspec import Struct

from tests.performance.contenders import Contender, Loop, Ours
from tests.performance.environments import Environments
from tests.performance.hosts import some_hosts
from tests.performance.trials import build_programs

TRIALS = 1000
KINDS: tuple[type[Contender], ...] = (Loop, Ours)


class Disturbance(Struct, frozen=True):
    """Figures of the trials of one round, in microseconds: median, half the interquartile range, 99th percentile."""

    median: float
    spread: float
    worst: float


def measure_disturbance(
    folder: Path, environments: Environments, rounds: int
) -> dict[str, list[Disturbance]]:
    """Run the trial under each of :data:`KINDS`, in turns; what each round found, by name."""
    programs = folder / "programs"
    build_programs(programs)
    found: dict[str, list[Disturbance]] = {kind.name: [] for kind in KINDS}
    for number in range(rounds):
        for kind in KINDS:
            place = folder / f"disturbance-{number}-{kind.__name__}"
            place.mkdir()
            contender = kind(programs, environments, "sensitive")
            with some_hosts(place / "fleet", 1) as hosts:
                contender.run(hosts, place, TRIALS)
            found[kind.name].append(_summary(contender.results(place)))
    return found


def _summary(microseconds: list[float]) -> Disturbance:
    if len(microseconds) != TRIALS:
        raise RuntimeError(f"{len(microseconds)} of {TRIALS} results arrived")
    lower, middle, upper = statistics.quantiles(microseconds, n=4)
    return Disturbance(middle, (upper - lower) / 2, statistics.quantiles(microseconds, n=100)[98])
