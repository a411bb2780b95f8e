"""Moving while others write, share, lock, swap, hold, fill, compete; and what was counted meanwhile."""

from __future__ import annotations

import pytest

from tests.kernel.conftest import FULL, on
from tests.kernel.lab import Lab

MODES = pytest.mark.parametrize("mode", ["serial", "parallel", "concurrent", "parallel+concurrent"])
HUGE_AND_BASE = pytest.mark.parametrize("page", ["thp", "base"])
COUNT = {"thp": 3, "base": 64, "hugetlb": 2}
"""Pages to move, by kind."""

LONGER = 10 if FULL else 1
"""How many times longer the full version is."""

SWAP = "/dev/loop0"


def base_pages(page: str) -> int:
    return COUNT[page] * (1 if page == "base" else 512)


def assert_accelerated(counted: dict[str, int], page: str, mode: str, least: int = 1) -> None:
    """At least this many base pages went the way that the mode is for, and none silently another way."""
    huge = page != "base"
    threaded = mode == "parallel+concurrent" or (mode == "parallel" and huge)
    assert counted["pages_threads" if threaded else "pages_serial"] >= least, counted
    if mode == "parallel" and not huge:
        assert counted["threads_fallback_size"] >= least, counted
    if mode.endswith("concurrent") and page != "hugetlb":
        assert counted["batch_folios"] > 0, counted
    if not threaded:
        assert counted["pages_threads"] == 0, counted
    assert counted["threads_fallback_cpus"] == counted["threads_fallback_memory"] == 0, counted


@on("two_nodes", "debug", full=("four_nodes", "memory_only", "one_cpu"))
@MODES
@pytest.mark.parametrize("page", ["thp", "base", "hugetlb"])
def test_no_write_is_lost(lab: Lab, page: str, mode: str) -> None:
    counts = lab.check(
        "writers", page=page, pages=COUNT[page], mode=mode, threads=3, helpers=3, rounds=3 * LONGER
    )
    assert counts["passes"] > 0


@on("two_nodes", "debug", full=("memory_only", "one_cpu"))
@MODES
@HUGE_AND_BASE
def test_shared_pages_move_for_all_and_are_copied_on_write(lab: Lab, page: str, mode: str) -> None:
    counted = lab.check("sharing", page=page, pages=COUNT[page], mode=mode, helpers=2)
    if len(lab.layout.cpus(0)) > 1:
        assert_accelerated(counted, page, mode, base_pages(page))


@on("two_nodes", "debug")
@MODES
def test_processes_fork_and_end_meanwhile(lab: Lab, mode: str) -> None:
    counts = lab.check("forks", page="thp", mode=mode, threads=3, rounds=2 * LONGER)
    assert counts["moved"] > 0


@on("two_nodes", "debug", full=("memory_only",))
@MODES
@HUGE_AND_BASE
def test_locked_pages_stay_locked(lab: Lab, page: str, mode: str) -> None:
    counted = lab.check("locked", page=page, pages=COUNT[page], mode=mode, rounds=1)
    assert_accelerated(counted, page, mode, 2 * base_pages(page))


@on("two_nodes", "debug")
@MODES
@HUGE_AND_BASE
def test_pages_in_the_swap_cache(lab: Lab, page: str, mode: str) -> None:
    lab.run(f"swapon {SWAP}")
    try:
        counts = lab.check("swapped", page=page, pages=COUNT[page], mode=mode)
    finally:
        lab.run(f"swapoff {SWAP}")
    assert counts["cached"] > 0
    if mode.endswith("concurrent"):
        assert counts["batch_folios"] > 0, counts


@on("two_nodes", "debug")
@MODES
@HUGE_AND_BASE
def test_pages_that_somebody_holds_stay_and_the_others_move(lab: Lab, page: str, mode: str) -> None:
    pages = {"thp": 3, "base": 32}[page]
    counts = lab.check("pinned", page=page, pages=pages, mode=mode, threads=3)
    assert counts["moved"] == pages - counts["pinned"]
    assert counts["pgmigrate_success"] == counts["moved"] * (512 if page == "thp" else 1)
    assert counts["pgmigrate_fail"] > 0
    if mode.endswith("concurrent"):
        assert counts["batch_left_busy"] + counts["batch_left_single"] >= counts["pinned"], counts
        assert counts["batch_folios"] == counts["moved"], counts


@on("memory_only", full=("debug_memory_only",))
@MODES
@HUGE_AND_BASE
def test_a_node_with_free_memory_for_some_takes_some(lab: Lab, page: str, mode: str) -> None:
    lab.may_lack_memory = True
    pages = {"thp": 12, "base": 6144}[page]
    counts = lab.check("full", page=page, pages=pages, mode=mode, threads=3, free_kib=4096)
    assert 0 < counts["moved"] < counts["pages"]


@on("memory_only", full=("debug_memory_only",))
@MODES
def test_a_node_that_swaps(lab: Lab, mode: str) -> None:
    lab.run(f"swapon {SWAP}")
    try:
        counts = lab.check(
            "pressure", page="thp", pages=4, mode=mode, threads=3, free_kib=16384, rounds=2 * LONGER
        )
    finally:
        lab.run(f"swapoff {SWAP}")
    assert counts["pswpout"] > 0
    assert counts["moved"] > 0


@on("two_nodes", "debug", full=("four_nodes", "memory_only", "one_cpu"))
@MODES
@pytest.mark.parametrize("share", ["memory", "nodes"])
def test_two_migrators_at_once(lab: Lab, share: str, mode: str) -> None:
    counts = lab.check("races", page="thp", mode=mode, share=share, threads=3, rounds=3 * LONGER)
    assert counts["moved"] > 0


@on("two_nodes", "debug")
@pytest.mark.parametrize("mode", ["parallel", "parallel+concurrent"])
@pytest.mark.parametrize("copy_node", [0, 1])
def test_cpus_go_and_come(lab: Lab, copy_node: int, mode: str) -> None:
    """All CPUs of one node but one, so that at times there is none to share the work with."""
    node = 0 if copy_node else 1
    cpus = ",".join(str(cpu) for cpu in lab.layout.cpus(node)[1:4])
    counts = lab.check(
        "hotplug", page="thp", mode=mode, threads=4, cpus=cpus, copy_node=copy_node, rounds=2 * LONGER
    )
    assert counts["cycles"] > 0
    assert counts["pages_threads"] + counts["pages_serial"] == counts["moves"] * base_pages("thp")
    assert counts["pages_threads"] > 0, counts
