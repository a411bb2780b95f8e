"""What many hosts cost the controller: memory, CPU time, and time until all of them are at work."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from msgspec import Struct

from tests.performance.contenders import Ours
from tests.performance.environments import Environments
from tests.performance.hosts import Hosts, some_hosts
from tests.performance.trials import build_programs

TRIALS = 10
"""On each host."""


class Point(Struct, frozen=True):
    """One size of a fleet.

    :ivar hosts: number of hosts, each of which runs :data:`TRIALS` trials.
    :ivar first, last_start: seconds from the command to the first trial, and to that of the host that is last.
    :ivar wall: seconds of the command; ``cpu``: seconds of CPU time of the controller.
    :ivar memory: MiB, the most that the controller had at once.
    """

    hosts: int
    first: float
    last_start: float
    wall: float
    cpu: float
    memory: float


def measure_fleets(folder: Path, environments: Environments, counts: Sequence[int]) -> list[Point]:
    """Run the same experiment on so many hosts; up to the size, in increasing order, that this machine cannot carry."""
    programs = folder / "programs"
    build_programs(programs)
    points: list[Point] = []
    for count in sorted(counts):
        try:
            points.append(_measure(folder / f"fleet-{count}", programs, environments, count))
        except RuntimeError as error:
            print(f"performance: no figures of {count} hosts on this machine: {error}", file=sys.stderr)
            break
    return points


def _measure(folder: Path, programs: Path, environments: Environments, count: int) -> Point:
    folder.mkdir()
    with some_hosts(folder / "fleet", count) as hosts:
        argv = Ours(programs, environments).command(hosts, folder, TRIALS)
        with (folder / "log").open("wb") as log:
            began, wall = time.time(), time.monotonic()
            process = subprocess.Popen(argv, cwd=folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
            _, status, used = os.wait4(process.pid, 0)
            wall = time.monotonic() - wall
        if status:
            raise RuntimeError(
                f"wait status {status}: {(folder / 'log').read_text(errors='replace')[-2000:]}"
            )
        starts = _first_starts(folder, hosts)
        return Point(
            count, min(starts) - began, max(starts) - began, wall,
            used.ru_utime + used.ru_stime, used.ru_maxrss / 1024,
        )  # fmt: skip


def _first_starts(folder: Path, hosts: Hosts) -> list[float]:
    """Return when the first trial of each host began, in seconds since the epoch; every trial must be ok."""
    (journal,) = folder.glob("results/*/*/journal.jsonl")
    first: dict[str, float] = {}
    trials = 0
    for line in journal.open():
        record = json.loads(line)
        if record["type"] == "trial" and record["status"] == "ok":
            trials += 1
            start = datetime.fromisoformat(record["start"]).timestamp()
            first[record["host"]] = min(start, first.get(record["host"], start))
    if trials != TRIALS * len(hosts.names) or len(first) != len(hosts.names):
        raise RuntimeError(f"{trials} trials of {len(first)} hosts are ok")
    return list(first.values())
