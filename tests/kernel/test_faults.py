"""The kernel that watches itself, made to fail where migration can."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.kernel.conftest import FULL, on
from tests.kernel.lab import Lab

DEBUG = "/sys/kernel/debug"
MODES = pytest.mark.parametrize("mode", ["serial", "parallel", "concurrent", "parallel+concurrent"])
ROUNDS = 30 if FULL else 6


@contextmanager
def faults(lab: Lab, place: str, probability: int, **settings: str | int) -> Iterator[None]:
    """Inject faults at a place for which the kernel has a folder in debugfs."""
    lab.may_lack_memory = True
    folder = f"{DEBUG}/{place}"
    # The probability comes last: until the others are set it would strike everybody.
    values = {"times": -1, "verbose": 0, **settings, "probability": probability}
    lab.run("".join(f"echo {value} >{folder}/{name} || exit 1\n" for name, value in values.items()))
    try:
        yield
    finally:
        lab.run(f"echo 0 >{folder}/probability")


@contextmanager
def failing_function(lab: Lab, name: str, error: int, probability: int = 50) -> Iterator[None]:
    """Have a function fail in so many of a hundred calls, whoever calls it; workers, too."""
    with faults(lab, "fail_function", probability, **{"task-filter": "N"}):
        folder = f"{DEBUG}/fail_function"
        lab.run(
            f"echo {name} >{folder}/inject && echo {hex(error & 0xFFFFFFFFFFFFFFFF)} >{folder}/{name}/retval"
        )
        try:
            yield
        finally:
            lab.run(f"echo >{folder}/inject")


@on("debug")
def test_it_watches_itself(lab: Lab) -> None:
    config = lab.run("zcat /proc/config.gz")
    for symbol in (
        "KASAN", "PROVE_LOCKING", "DEBUG_VM", "DEBUG_LIST", "DEBUG_OBJECTS_WORK", "DEBUG_ATOMIC_SLEEP",
        "PAGE_TABLE_CHECK_ENFORCED", "FAILSLAB", "FAIL_PAGE_ALLOC", "FAIL_FUNCTION",
    ):  # fmt: skip
        assert f"CONFIG_{symbol}=y" in config, symbol
    assert lab.run("sed -n 's/^ debug_locks: *//p' /proc/lockdep_stats").strip() == "1"


@on("debug")
@pytest.mark.parametrize("page", ["thp", "base"])
@pytest.mark.parametrize("mode", ["parallel", "parallel+concurrent"])
def test_no_memory_for_work_items(lab: Lab, mode: str, page: str) -> None:
    """Every allocation that may not wait fails: copies are serial, and say so."""
    settings: dict[str, str | int] = {"task-filter": "Y", "ignore-gfp-wait": "N"}
    pages = {"thp": 3, "base": 40}[page]
    with faults(lab, "failslab", 100, **settings):
        counts = lab.check("faults", page=page, mode=mode, pages=pages, rounds=2, threads=3)
    assert counts["pages_threads"] == 0, counts
    if page == "thp" or mode == "parallel+concurrent":
        assert counts["threads_fallback_memory"] > 0, counts


@on("debug")
@MODES
@pytest.mark.parametrize("page", ["thp", "base"])
@pytest.mark.parametrize("place", ["failslab", "fail_page_alloc"])
def test_allocations_fail_at_random(lab: Lab, place: str, page: str, mode: str) -> None:
    settings: dict[str, str | int] = {"task-filter": "Y", "ignore-gfp-wait": "N"}
    if place == "fail_page_alloc":
        settings |= {"ignore-gfp-highmem": "N", "min-order": 0}
    pages = {"thp": 3, "base": 60}[page]
    with faults(lab, place, 50, **settings):
        counts = lab.check("faults", page=page, mode=mode, pages=pages, rounds=2 * ROUNDS, threads=3)
    assert counts["moved"] > 0
    if place == "fail_page_alloc":
        assert counts["pgmigrate_fail"] + counts["thp_migration_split"] > 0, counts
    elif mode == "parallel+concurrent" or (mode == "parallel" and page == "thp"):
        assert counts["threads_fallback_memory"] > 0, counts


def copying_functions(page: str, mode: str) -> tuple[str, str]:
    """What copies a page at first, and when it is tried again on its own."""
    serial, shared = "folio_mc_copy", "folio_mc_copy_range"
    again = shared if mode.startswith("parallel") and page != "base" else serial
    batched = mode.endswith("concurrent") and page != "hugetlb"
    return (shared if batched else again), again


@on("debug")
@MODES
@pytest.mark.parametrize("page", ["thp", "base", "hugetlb"])
@pytest.mark.parametrize("function", ["folio_mc_copy", "folio_mc_copy_range"])
def test_memory_that_cannot_be_read_stays(lab: Lab, function: str, page: str, mode: str) -> None:
    """What a copy that meets a memory error returns: that page is tried once more and then stays, the others move."""
    pages = {"thp": 4, "base": 60, "hugetlb": 3}[page]
    # A huge page that is shared is copied in 64 parts: about half of them succeed.
    probability = 1 if function == "folio_mc_copy_range" and page != "base" else 50
    with failing_function(lab, function, -133, probability):
        counts = lab.check("faults", page=page, mode=mode, pages=pages, rounds=2 * ROUNDS, threads=2)
    first, again = copying_functions(page, mode)
    assert counts["moved"] > 0, counts
    stays = function == first == again
    assert ((counts["moved"] < counts["tried"]), (counts["pgmigrate_fail"] > 0)) == (stays, stays), counts
    if first != again:
        assert (counts["batch_left_single"] > 0) == (function == first), counts
