"""Every mode, interface, kind of page and number of threads: contents, residence, status, and what was counted."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import pytest

from tests.kernel.cells import Cell, all_cells, expected_counters
from tests.kernel.conftest import FULL, on
from tests.kernel.lab import ACCEL, Lab

TIMES = "/sys/kernel/debug/migration_accel"

NOT_JUDGED = ("pswp", "pgscan_", "pages_threads_caller")
"""Counters of what other things than the move of a cell may do, or depends on who is faster."""


def refused(lab: Lab, values: Mapping[str, Sequence[str]]) -> None:
    """Values that files of the series do not take; they stay as they are."""
    for name, bad in values.items():
        before = lab.run(f"cat {ACCEL}/{name}")
        for value in bad:
            lab.run(f'! echo "$1" >{ACCEL}/{name} 2>/dev/null', value)
        assert lab.run(f"cat {ACCEL}/{name}") == before


def assert_cells(lab: Lab, cells: Iterable[Cell]) -> None:
    cells = list(cells)
    counts = lab.check_lines("cells", (cell.line for cell in cells))
    assert len(counts) == len(cells)
    wrong = []
    for cell, counters in zip(cells, counts, strict=True):
        times = {name: value for name, value in counters.items() if name.endswith("_ns")}
        counted = {
            name: value
            for name, value in counters.items()
            if value and name not in times and not name.startswith(NOT_JUDGED)
        }
        expected = expected_counters(cell, lab.layout)
        if counted != expected:
            wrong.append(f"{cell.line}\n  counted  {counted}\n  expected {expected}")
        worker, handover = times["worker_ns"], times["handover_ns"]
        longest = times["longest_ns"]
        shared = expected.get("pages_threads", 0)
        if (
            (worker > 0) != (shared > 0)
            or longest > worker + handover
            or counters["pages_threads_caller"] > shared
        ):
            wrong.append(f"{cell.line}\n  times {times}")
    assert not wrong, f"{len(wrong)} of {len(cells)} cells:\n" + "\n".join(wrong[:20])


def pairs_of(lab: Lab) -> list[tuple[int, int]]:
    """Pairs of nodes: all in the full version, else each node once on one side."""
    if FULL:
        return [(source, target) for source in lab.nodes for target in lab.nodes if source != target]
    if len(lab.nodes) == 2:
        return [(0, 1)] if all(lab.layout.cpus(node) for node in lab.nodes) else [(0, 1), (1, 0)]
    return [(0, 3), (2, 1)]


@on("two_nodes", "four_nodes", "memory_only", "one_cpu")
def test_all_ways_of_moving(lab: Lab) -> None:
    assert_cells(lab, all_cells(pairs_of(lab)))


@on("debug", full=("debug_memory_only",))
def test_all_ways_of_moving_watched(lab: Lab) -> None:
    assert_cells(lab, all_cells(pairs_of(lab), threads=(1, 2, 3, 4, 8) if FULL else (1, 3)))


@on("two_nodes", full=("debug",))
@pytest.mark.parametrize("page", ["base", "thp", "shmem"])
def test_batches_of_any_size(lab: Lab, page: str) -> None:
    modes = ("concurrent", "parallel+concurrent")
    assert_cells(
        lab,
        (
            Cell(page, mode, "move_pages", 4, 0, 1, batch=batch)
            for mode in modes
            for batch in (1, 2, 3, 5, 16384)
        ),
    )


@on("two_nodes", "memory_only")
def test_either_node_copies(lab: Lab) -> None:
    """The memory-only node has no CPUs to copy with, whichever is chosen."""
    pairs = [(0, 1), (1, 0)]
    assert_cells(
        lab,
        (
            Cell("thp", "parallel", "move_pages", 3, source, target, copy_node=copy_node)
            for source, target in pairs
            for copy_node in (0, 1)
        ),
    )


@on("two_nodes", "debug")
def test_what_makes_no_sense_is_refused(lab: Lab) -> None:
    lab.check("refusals")
    refused(
        lab,
        {
            "policy/compaction": ("parallel,concurrent", "fast", ""),
            "policy/exchange": ("offload",),
            "threads": ("0", "65", "-1", "8 threads"),
            "threads_node": ("2", "local"),
            "batch_folios": ("0", "16385"),
        },
    )
    for name in ("take_turns", "phase_times"):
        lab.run(f'! echo 2 >"{TIMES}/{name}" 2>/dev/null')
