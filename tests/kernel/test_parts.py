"""Who copies what: the parts of each copy, as the kernel's own trace has them."""

from __future__ import annotations

import os
import re
from collections.abc import Collection
from dataclasses import dataclass
from itertools import pairwise

import pytest

from tests.kernel.cells import BASE_PAGES, PAGES, Cell
from tests.kernel.conftest import on
from tests.kernel.lab import Lab

TRACING = "/sys/kernel/tracing"
PART = re.compile(
    r"mm_migrate_copy_part: job=(\d+) part=(\d+) cpu=(\d+) nr_pages=(\d+) start=(\d+) end=(\d+)"
)

AT_ONCE = 0.25
"""Of a copy, all threads ran for so long at once; threads that take turns come to 0 or less."""

ATTEMPTS = 30


@dataclass(frozen=True)
class Part:
    job: int
    part: int
    cpu: int
    pages: int
    start: int
    end: int


def parts_of(
    lab: Lab, cell: Cell, take_turns: int = 0, cpus: Collection[int] | None = None
) -> list[list[Part]]:
    """Move a cell and return the parts of each of its copies, in order."""
    lab.run(
        f"echo {take_turns} >/sys/kernel/debug/migration_accel/take_turns; : >{TRACING}/trace; "
        f"echo 1 >{TRACING}/events/migrate/mm_migrate_copy_part/enable"
    )
    lab.check_lines("cells", [cell.line], cpus)
    text = lab.run(
        f"echo 0 >{TRACING}/events/migrate/mm_migrate_copy_part/enable; cat {TRACING}/trace; "
        "echo 0 >/sys/kernel/debug/migration_accel/take_turns"
    )
    parts = [Part(*map(int, found)) for found in PART.findall(text)]
    return [
        sorted((part for part in parts if part.job == job), key=lambda part: part.part)
        for job in sorted({part.job for part in parts})
    ]


@on("two_nodes")
@pytest.mark.parametrize("threads", [2, 3, 4, 8])
@pytest.mark.parametrize("mode", ["parallel", "parallel+concurrent"])
def test_the_requested_threads_share_the_work(lab: Lab, mode: str, threads: int) -> None:
    copies = parts_of(lab, Cell("thp", mode, "move_pages", threads, 0, 1))
    batched = mode.endswith("concurrent")
    assert len(copies) == (1 if batched else PAGES["thp"])
    for parts in copies:
        assert {part.part for part in parts} <= set(range(threads))
        assert sum(part.pages for part in parts) == BASE_PAGES["thp"] * (PAGES["thp"] if batched else 1)


@on("two_nodes")
@pytest.mark.parametrize("copy_node", [0, 1])
def test_workers_run_on_the_chosen_node(lab: Lab, copy_node: int) -> None:
    cell = Cell("thp", "parallel", "move_pages", 4, 0, 1, copy_node=copy_node)
    for parts in parts_of(lab, cell, take_turns=1):
        # The caller, wherever it runs, is one of the threads.
        workers = [part.cpu for part in parts[1:]]
        assert len(workers) == 3
        assert len(set(workers)) == len(workers)
        assert set(workers) <= set(lab.layout.cpus(0 if copy_node else 1))


@on("two_nodes")
@pytest.mark.parametrize("mode", ["parallel", "parallel+concurrent"])
def test_taking_turns_each_does_its_share_and_no_two_copy_at_once(lab: Lab, mode: str) -> None:
    for parts in parts_of(lab, Cell("thp", mode, "move_pages", 4, 0, 1), take_turns=1):
        assert [part.part for part in parts] == list(range(4))
        assert max(part.pages for part in parts) - min(part.pages for part in parts) <= 1
        for before, after in pairwise(parts):
            assert before.end <= after.start


@on("two_nodes")
@pytest.mark.skipif(
    len(os.sched_getaffinity(0)) < 2, reason="two emulated CPUs need two real ones to run at once"
)
def test_threads_copy_at_the_same_time(lab: Lab) -> None:
    """Other work on this machine takes cores away from the guest, so the best of some long copies counts."""
    cell = Cell("thp", "parallel+concurrent", "move_pages", 2, 0, 1, pages=24)
    shares = []
    while not shares or (max(shares) < AT_ONCE and len(shares) < ATTEMPTS):
        (parts,) = parts_of(lab, cell)
        assert len({part.cpu for part in parts}) == len(parts) <= 2
        if len(parts) < 2:  # the worker came too late
            shares.append(0.0)
            continue
        all_run = min(part.end for part in parts) - max(part.start for part in parts)
        shares.append(all_run / (max(part.end for part in parts) - min(part.start for part in parts)))
    assert max(shares) >= AT_ONCE, shares


@on("isolated")
@pytest.mark.parametrize("may_run_there", [False, True])
def test_isolated_cpus_copy_only_for_those_who_may_run_there(lab: Lab, may_run_there: bool) -> None:
    isolated = {5, 6}
    node = set(lab.layout.cpus(1))
    allowed = {cpu for each in lab.nodes for cpu in lab.layout.cpus(each)} - (
        set() if may_run_there else isolated
    )
    cell = Cell("thp", "parallel", "move_pages", 8, 0, 1)
    for parts in parts_of(lab, cell, take_turns=1, cpus=allowed):
        assert len(parts) == len(node & allowed)
        assert {part.cpu for part in parts[1:]} <= node & allowed
