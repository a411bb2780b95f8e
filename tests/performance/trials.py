"""What a trial costs: wall time, CPU time of the controller and of the host, for each way to run it."""

from __future__ import annotations

import statistics
import subprocess
from collections.abc import Sequence
from pathlib import Path

from msgspec import Struct

from tests.performance.contenders import CONTENDERS, Ansible, Contender, Loop, Ours, Pyinfra
from tests.performance.environments import Environments
from tests.performance.hosts import some_hosts

PROGRAMS = Path(__file__).parent / "programs"


class Cost(Struct, frozen=True):
    """Milliseconds for one trial on each host.

    :ivar wall: wall time; ``controller``, ``host``: CPU time, divided by the number of hosts.
    :ivar start: wall time of all that is not for a trial.
    """

    wall: float
    controller: float
    host: float
    start: float


Costs = dict[str, list[Cost]]
"""The cost of each round by name of the contender."""


def build_programs(folder: Path) -> None:
    """Compile the trial and the loop into ``folder``."""
    folder.mkdir(exist_ok=True)
    for source in PROGRAMS.glob("*.c"):
        subprocess.run(
            ("gcc", "-O2", "-static", "-Wall", "-Werror", "-o", folder / source.stem, source), check=True
        )


def measure_rounds(
    folder: Path,
    environments: Environments,
    hosts: int,
    rounds: int,
    kinds: Sequence[type[Contender]] = CONTENDERS,
) -> Costs:
    """Measure each contender once in each round, so that what else the machine does befalls all of them."""
    programs = folder / "programs"
    build_programs(programs)
    costs: Costs = {kind.name: [] for kind in kinds}
    for kind in kinds:  # what is made by the first run only, such as our runner, is none of the costs
        _run(kind(programs, environments), folder / f"first-{hosts}-{kind.__name__}", 1, kind.sizes[0])
    for number in range(rounds):
        for kind in kinds:
            place = folder / f"trials-{hosts}-{number}-{kind.__name__}"
            costs[kind.name].append(_cost(kind(programs, environments), place, hosts))
    return costs


def _cost(contender: Contender, folder: Path, count: int) -> Cost:
    folder.mkdir()
    wall, controller, host = zip(
        *(_run(contender, folder / str(size), count, size) for size in contender.sizes), strict=True
    )
    few, many = contender.sizes
    each = tuple(1000 * (after - before) / (many - few) for before, after in (wall, controller, host))
    return Cost(each[0], each[1] / count, each[2] / count, 1000 * wall[0] - few * each[0])


def _run(contender: Contender, folder: Path, count: int, size: int) -> tuple[float, float, float]:
    folder.mkdir()
    with some_hosts(folder / "fleet", count) as hosts:
        used = contender.run(hosts, folder, size)
        hosts.turn_off()
        arrived = len(contender.results(folder))
        if arrived != size * count:
            raise RuntimeError(f"{contender.name}: {arrived} of {size * count} results arrived")
        return used.wall, used.cpu, hosts.cpu


def median(costs: Costs, kind: type[Contender], field: str) -> float:
    """Return the median over the rounds of a field of :class:`Cost`."""
    return float(statistics.median(getattr(cost, field) for cost in costs[kind.name]))


def ratios(costs: Costs) -> dict[str, float]:
    """Return what is asked of us, as ratios of medians."""
    wall, least = median(costs, Ours, "wall"), median(costs, Loop, "wall")
    found = {
        "wall per trial, orchestrate / loop": wall / least,
        "CPU of the host per trial, orchestrate / loop": median(costs, Ours, "host")
        / median(costs, Loop, "host"),
        "CPU of the controller per trial, ms": median(costs, Ours, "controller"),
    }
    for kind in (Ansible, Pyinfra):
        if costs.get(kind.name):
            # A trial is 1 ms of itself, whoever runs it.
            overhead = (median(costs, kind, "wall") - 1) / (wall - 1)
            found[f"overhead per trial, {kind.name} / orchestrate"] = overhead
    return found
