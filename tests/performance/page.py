"""Writes docs/performance.md: what was measured, with the command and the environment."""

from __future__ import annotations

import os
import platform
import statistics
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from msgspec import Struct
from tabulate import tabulate

from tests.performance import guests
from tests.performance.disturbance import TRIALS as DISTURBED
from tests.performance.disturbance import Disturbance
from tests.performance.fleets import TRIALS, Point
from tests.performance.planning import Work
from tests.performance.trials import Costs

ASKED = {
    "wall per trial, orchestrate / loop": "at most 1.25",
    "CPU of the host per trial, orchestrate / loop": "at most 2",
    "CPU of the controller per trial, ms": "at most 0.5, on 8 hosts",
    "overhead per trial, Ansible, pipelining / orchestrate": "at least 50",
    "overhead per trial, pyinfra / orchestrate": "at least 20",
    "CPU of --help / import click": "at most 1.5",
    "CPU of validate / import yaml, jsonschema": "at most 1.5",
    "CPU of plan / import yaml, jsonschema": "at most 1.5",
    "CPU of a first report / reading its journal": "at most 3",
}
"""What this project asks of itself."""


GUEST_NOTES = (
    "With `clock: instructions`, 12 of 18 s of a boot of Linux 6.1 go into one loop, by the times at which its "
    "lines came: the kernel calibrates the timer of its local APIC for 100 ms of the guest's time, and reads the TSC "
    "and pauses until they are over. At one instruction a nanosecond these are 10^8 instructions, and QEMU leaves its "
    "translated code at each pause. With `-icount shift=3` the same loop took 1.7 s; a trial would have another clock "
    "then.",
    "A guest is booted for each block and not restored from a snapshot: boots are the samples over which reports "
    "generalise, and guests restored from one snapshot would share the addresses of their pages.",
)


_FELT = ("median", "spread", "worst")


class Figures(Struct, frozen=True):
    """All that was measured, and where."""

    command: str
    described: str
    rounds: int
    ratios: Mapping[str, float]
    trials: Mapping[int, Costs]
    disturbance: Mapping[str, Sequence[Disturbance]]
    fleets: Sequence[Point]
    startup: Mapping[str, Sequence[float]]
    works: Sequence[Work]
    guests: Mapping[str, Sequence[float]]


def environment(versions: Mapping[str, str]) -> str:
    """Describe the machine and the versions."""
    models = [
        line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")
    ]
    model = models[0].partition(": ")[2] if models else platform.machine()
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    peers = ", ".join(f"{name} {version}" for name, version in sorted(versions.items()))
    return (
        f"{os.cpu_count()} CPUs ({model}), {memory:.0f} GiB, Linux {platform.release()}, Python "
        f"{platform.python_version()}, {peers}; load of the machine at the end "
        f"{os.getloadavg()[0]:.1f}; {datetime.now(UTC):%Y-%m-%d}"
    )


def trials_table(costs: Costs) -> str:
    """Return the costs of a trial by contender: medians, and the range of the wall time."""
    rows = []
    for name, rounds in costs.items():
        walls = [cost.wall for cost in rounds]
        medians = [
            statistics.median(getattr(cost, field) for cost in rounds)
            for field in ("wall", "controller", "host", "start")
        ]
        spread = f"{min(walls):.2f} to {max(walls):.2f}"
        rows.append([name, *(f"{value:.2f}" for value in medians[:3]), spread, f"{medians[3]:.0f}"])
    headings = ["way", "wall", "CPU of the controller", "CPU of the host", "wall, range", "start"]
    return tabulate(rows, headings, tablefmt="pipe", disable_numparse=True)


def times_table(times: Mapping[str, Sequence[float]], unit: str, digits: int = 0, what: str = "CPU") -> str:
    """Return medians and ranges of times."""
    rows = [
        [
            name,
            f"{statistics.median(values):.{digits}f}",
            f"{min(values):.{digits}f} to {max(values):.{digits}f}",
        ]
        for name, values in times.items()
    ]
    return tabulate(rows, ["command", f"{what}, {unit}", "range"], tablefmt="pipe", disable_numparse=True)


def disturbance_table(found: Mapping[str, Sequence[Disturbance]]) -> str:
    """Return the figures of the trial by who ran it."""
    rows = [
        [name, *(f"{statistics.median(getattr(one, field) for one in of_name):.1f}" for field in _FELT)]
        for name, of_name in found.items()
    ]
    headings = ["way", "median", "half the interquartile range", "99th percentile"]
    return tabulate(rows, headings, tablefmt="pipe", disable_numparse=True)


def fleets_table(points: Sequence[Point]) -> str:
    """Return what fleets cost, by size."""
    rows = [
        [
            str(one.hosts),
            *(f"{value:.1f}" for value in (one.first, one.last_start, one.wall, one.cpu)),
            f"{1000 * one.cpu / one.hosts:.0f}",
            f"{one.memory:.0f}",
        ]
        for one in points
    ]
    headings = [
        "hosts", "first trial, s", "last host's first trial, s", "end, s", "CPU, s", "CPU by host, ms", "memory, MiB",
    ]  # fmt: skip
    return tabulate(rows, headings, tablefmt="pipe", disable_numparse=True)


def ratios_table(ratios: Mapping[str, float]) -> str:
    """Return the ratios with what is asked."""
    rows = [[name, f"{value:.2f}", ASKED.get(name.partition(" (")[0], "")] for name, value in ratios.items()]
    return tabulate(rows, ["ratio of medians", "found", "asked"], tablefmt="pipe", disable_numparse=True)


def write(file: Path, figures: Figures, plots: Sequence[str]) -> None:
    """Write the page."""
    parts = [
        "# Performance",
        "What the program costs, beside what people use instead. "
        f"Made by `{figures.command}`: {figures.rounds} rounds, in each of which everything is "
        "measured once, in turns. Figures are medians of the rounds.",
        f"Measured on: {figures.described}. Controller and hosts share these CPUs.",
        "## Ratios",
        ratios_table(figures.ratios),
        "## One trial on SSH hosts",
        "Milliseconds for one trial of 1 ms that sleeps and prints a line, on each host: the time of many trials less "
        "that of fewer, divided by the difference. *start* is the rest: starting, connecting, preparing, cleaning up. "
        "Each host is a set of namespaces with an sshd. CPU time is that of all processes, on each side. The *loop in "
        "C* starts the program, reads what it prints, and writes it to a file that it syncs (fdatasync), over one ssh. "
        "Our trials do not wait for idle CPUs (`limits.settle: 0`). Overhead: wall time without the trial's "
        "own millisecond.",
        *(
            part
            for count, costs in figures.trials.items()
            for part in (f"{count} host{'s' * (count > 1)}:", trials_table(costs))
        ),
        *(f"![{plot}]({plot})" for plot in plots),
        "On hosts of their own, CPU time of the hosts is no part of the wall time. Here eight of them share the CPUs "
        "with the controller, all of which are busy: the ratio of the wall times is that of all CPU time, ours with "
        "connections and journal against the loop's, and cannot be that of one host.",
        "## What a trial feels",
        f"A trial of about 100 microseconds that follows pointers through 256 KiB, {DISTURBED} times in each round, "
        "under the loop in C and under our runner; microseconds, medians of the rounds.",
        disturbance_table(figures.disturbance),
        "## Many hosts",
        f"One command that runs {TRIALS} such trials on each host, once. Times are from the command on; CPU time and "
        "the most memory at once are those of the controller, which shares the CPUs with all these hosts.",
        fleets_table(figures.fleets),
        "## Start",
        "CPU time of one command, in milliseconds; modules are compiled.",
        times_table(figures.startup, "ms"),
        "## Plans and reports",
        "CPU time in seconds. The report is of 100,000 trials of 1,000 cells; the first one makes the index.",
        times_table({work.name: work.cpu for work in figures.works}, "s", 2),
        "## Guests",
        "Seconds from the command until the first process of the guest has printed a line, or until the journal holds "
        f"the first trial: the same kernel (`{guests.KERNEL}`), two nodes, four CPUs, 2 GiB, software emulation. QEMU "
        "has our command line and an initramfs of one program; virtme-ng shows the root directory of this machine. A "
        "first trial needs SSH, facts of the host, our runner and a lock besides. Not counted: the first start, which "
        "fetches the kernel.",
        times_table(figures.guests, "s", 1, "wall"),
        *GUEST_NOTES,
    ]
    file.write_text("\n\n".join(parts) + "\n", encoding="utf-8")
