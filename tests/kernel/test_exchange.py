"""Two lists of pages that change places: contents, frames, status, and what was counted; and all that may go wrong."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product

import pytest

from tests.kernel.cells import CHUNK
from tests.kernel.conftest import FULL, on
from tests.kernel.lab import Lab
from tests.kernel.layouts import Layout
from tests.kernel.test_cells import pairs_of, refused
from tests.kernel.test_faults import failing_function, faults

MODES = pytest.mark.parametrize("mode", ["serial", "parallel", "concurrent", "parallel+concurrent"])
HUGE_AND_BASE = pytest.mark.parametrize("page", ["thp", "base"])
BOUNCE = pytest.mark.parametrize("bounce", [1, 0])

BASE_PAGES = {"base": 1, "thp": 512}
PAIRS = {"base": 37, "thp": 3}
"""Pairs in a cell: few, and in numbers that do not divide evenly."""

LONGER = 10 if FULL else 1
"""How many times longer the full version is."""

RANDOM_ROUNDS = 10_000 if FULL else 300
SWAP = "/dev/loop0"
EHWPOISON, EAGAIN = 133, 11


@dataclass(frozen=True)
class Exchange:
    """One way of exchanging two small regions."""

    page: str
    mode: str
    threads: int
    source: int
    target: int
    bounce: int
    batch: int = 512
    copy_node: int = 0

    @property
    def line(self) -> str:
        """The words that the check takes."""
        return (
            f"page={self.page} pages={PAIRS[self.page]} mode={self.mode} threads={self.threads} "
            f"batch={self.batch} copy_node={self.copy_node} bounce={self.bounce} "
            f"from={self.source} to={self.target}"
        )


def all_exchanges(lab: Lab, threads: tuple[int, ...]) -> Iterator[Exchange]:
    """Every mode, kind of page, way of swapping and number of threads, which varies only where there are some."""
    modes = ("serial", "parallel", "concurrent", "parallel+concurrent")
    for (source, target), page, mode, bounce in product(pairs_of(lab), BASE_PAGES, modes, (1, 0)):
        for count in threads if mode.startswith("parallel") else threads[-1:]:
            yield Exchange(page, mode, count, source, target, bounce)


def expected_counters(cell: Exchange, layout: Layout) -> dict[str, int]:
    """What the kernel must have counted, by the rules of admin-guide/mm/migration_accel.rst; all else 0."""
    pairs, base_pages = PAIRS[cell.page], BASE_PAGES[cell.page]
    counted = {"exchange_pairs": pairs}
    swaps = [base_pages] * pairs
    if cell.mode.endswith("concurrent"):
        batch = max(cell.batch // 2, 1)
        sizes = [min(batch, pairs - first) for first in range(0, pairs, batch)]
        swaps = [base_pages * size for size in sizes]
        counted |= {"exchange_batches": len(sizes), "exchange_batch_folios": pairs}
    chosen, other = (cell.source, cell.target) if cell.copy_node else (cell.target, cell.source)
    cpus = len(layout.cpus(chosen)) or len(layout.cpus(other))
    for size in swaps:
        way, reason = "exchange_pages_serial", ""
        if cell.mode.startswith("parallel"):
            if size <= CHUNK:
                reason = "exchange_threads_fallback_size"
            elif min(cell.threads, cpus) < 2:
                reason = "exchange_threads_fallback_cpus"
            else:
                way = "exchange_pages_threads"
        counted[way] = counted.get(way, 0) + size
        if reason:
            counted[reason] = counted.get(reason, 0) + 1
    return counted


def assert_exchanges(lab: Lab, cells: list[Exchange]) -> None:
    counts = lab.check_lines("exchange", (cell.line for cell in cells))
    assert len(counts) == len(cells)
    wrong = []
    for cell, counters in zip(cells, counts, strict=True):
        counted = {
            name: value
            for name, value in counters.items()
            if value
            and not name.endswith("_ns")
            and not name.startswith(("pswp", "pgscan_", "exchange_pages_threads_caller"))
        }
        if counted != (expected := expected_counters(cell, lab.layout)):
            wrong.append(f"{cell.line}\n  counted  {counted}\n  expected {expected}")
    assert not wrong, f"{len(wrong)} of {len(cells)} cells:\n" + "\n".join(wrong[:20])


def assert_balanced(counts: dict[str, int], tried: int) -> None:
    """Each pair is counted, and the counters agree with the statuses."""
    failed = counts["exchange_refused"] + counts["exchange_busy"] + counts["exchange_poisoned"]
    assert counts["exchange_pairs"] == counts["exchanged"], counts
    assert failed == tried - counts["exchanged"], counts


@on("two_nodes", "four_nodes", "memory_only", "one_cpu")
def test_all_ways_of_exchanging(lab: Lab) -> None:
    assert_exchanges(lab, list(all_exchanges(lab, (1, 2, 3, 4, 8))))


@on("debug", full=("debug_memory_only",))
def test_all_ways_of_exchanging_watched(lab: Lab) -> None:
    assert_exchanges(lab, list(all_exchanges(lab, (1, 2, 3, 4, 8) if FULL else (1, 3))))


@on("two_nodes", full=("debug",))
@HUGE_AND_BASE
def test_batches_of_any_size(lab: Lab, page: str) -> None:
    cells = [
        Exchange(page, mode, 4, 0, 1, 1, batch=batch)
        for mode in ("concurrent", "parallel+concurrent")
        for batch in (1, 2, 3, 5, 16384)
    ]
    assert_exchanges(lab, cells)


@on("two_nodes", "memory_only")
def test_either_node_swaps(lab: Lab) -> None:
    cells = [
        Exchange("thp", "parallel", 3, source, 1 - source, 1, copy_node=copy_node)
        for source in (0, 1)
        for copy_node in (0, 1)
    ]
    assert_exchanges(lab, cells)


@on("two_nodes")
def test_within_a_node(lab: Lab) -> None:
    assert_exchanges(lab, [Exchange(page, "parallel+concurrent", 3, 0, 0, 1) for page in BASE_PAGES])


@on("two_nodes", "debug")
@MODES
def test_what_cannot_be_exchanged_is_left_alone(lab: Lab, mode: str) -> None:
    lab.check("exchange_refusals", mode=mode, threads=3)
    refused(lab, {"exchange_method": ("2", "bounce", "")})


@on("two_nodes", "debug", full=("four_nodes", "memory_only", "one_cpu"))
def test_random_lists_against_a_model(lab: Lab) -> None:
    rounds = RANDOM_ROUNDS // 4 if lab.is_debug else RANDOM_ROUNDS
    counts = lab.check("exchange_random", rounds=rounds)
    assert counts["exchanged"] == counts["exchange_pairs"] > rounds, counts
    assert counts["exchange_poisoned"] == 0, counts


@on("two_nodes", "debug", full=("memory_only", "one_cpu"))
@MODES
@HUGE_AND_BASE
def test_no_write_is_lost(lab: Lab, page: str, mode: str) -> None:
    counts = lab.check(
        "exchange_writers", page=page, pages=PAIRS[page], mode=mode, threads=3, helpers=2, rounds=6 * LONGER
    )
    assert counts["passes"] > 0
    assert counts["exchanged"] > 0


@on("two_nodes", "debug", full=("memory_only",))
@MODES
@HUGE_AND_BASE
@BOUNCE
def test_shared_pages_change_places_for_all(lab: Lab, bounce: int, page: str, mode: str) -> None:
    counts = lab.check("exchange_sharing", page=page, pages=PAIRS[page], mode=mode, bounce=bounce)
    assert counts["exchange_pairs"] == PAIRS[page], counts


@on("two_nodes", "debug", full=("memory_only",))
@MODES
@HUGE_AND_BASE
def test_locked_pages_stay_locked(lab: Lab, page: str, mode: str) -> None:
    counts = lab.check("exchange_locked", page=page, pages=PAIRS[page], mode=mode, rounds=3)
    assert counts["exchange_pairs"] == 3 * PAIRS[page], counts


@on("two_nodes", "debug")
@MODES
@HUGE_AND_BASE
def test_full_nodes_stay_as_full(lab: Lab, page: str, mode: str) -> None:
    """There is no free page to move to, none is taken, and none is left."""
    lab.may_lack_memory = True
    pages = {"thp": 3, "base": 1000}[page]
    counts = lab.check(
        "exchange_full", page=page, pages=pages, mode=mode, threads=3, free_kib=2048, rounds=20
    )
    assert counts["exchange_pairs"] == 20 * pages, counts
    assert counts["samples"] > 0


@on("two_nodes", "debug", full=("four_nodes", "memory_only", "one_cpu"))
@MODES
@HUGE_AND_BASE
@pytest.mark.parametrize("share", ["memory", "nodes"])
def test_races(lab: Lab, share: str, page: str, mode: str) -> None:
    """Exchangers crosswise, or exchangers and migrators."""
    counts = lab.check(
        "exchange_races", page=page, pages=PAIRS[page], mode=mode, share=share, helpers=4, threads=3,
        rounds=10 * LONGER,
    )  # fmt: skip
    assert counts["exchanged"] > 0


@on("debug")
@MODES
@HUGE_AND_BASE
@pytest.mark.parametrize("place", ["failslab", "fail_page_alloc"])
def test_no_allocation_is_needed(lab: Lab, place: str, page: str, mode: str) -> None:
    """Every allocation of the caller fails, and all pairs change places nevertheless."""
    settings: dict[str, str | int] = {"task-filter": "Y", "ignore-gfp-wait": "N"}
    if place == "fail_page_alloc":
        settings |= {"ignore-gfp-highmem": "N", "min-order": 0}
    with faults(lab, place, 100, **settings):
        counts = lab.check("exchange_faults", page=page, mode=mode, pages=PAIRS[page], rounds=3, threads=3)
    assert counts["exchanged"] == counts["tried"], counts
    if place == "failslab" and mode.startswith("parallel"):
        assert counts["exchange_pages_threads"] == 0, counts
        reason = "size" if page == "base" and mode == "parallel" else "memory"
        assert counts[f"exchange_threads_fallback_{reason}"] > 0, counts


@on("debug")
@MODES
@HUGE_AND_BASE
def test_memory_that_cannot_be_read_stays(lab: Lab, page: str, mode: str) -> None:
    """A read fails now and then, on either side: that pair is as it was, to the last byte, the others are exchanged.

    Through the bounce page. So seldom that what was swapped already gets back: a batch of huge pages and the way back
    of one take 5118 reads.
    """
    pairs, interval = {"thp": (4, 6007), "base": (60, 37)}[page]
    with failing_function(lab, "exchange_read_page", -EHWPOISON):
        lab.run(
            'cd /sys/kernel/debug/fail_function && echo "$1" >interval && echo 100 >probability',
            str(interval),
        )
        try:
            counts = lab.check("exchange_faults", page=page, mode=mode, pages=pairs, rounds=20, threads=2)
        finally:
            lab.run("echo 1 >/sys/kernel/debug/fail_function/interval")
    assert counts["exchange_poisoned"] > 0, counts
    assert counts["exchanged"] > 0, counts
    assert_balanced(counts, counts["tried"])


@on("debug")
@MODES
@HUGE_AND_BASE
def test_a_swap_of_words_that_breaks_off_is_made_through_the_bounce_page(
    lab: Lab, page: str, mode: str
) -> None:
    with failing_function(lab, "exchange_by_words", -EHWPOISON):
        counts = lab.check(
            "exchange_faults", page=page, mode=mode, pages=PAIRS[page], bounce=0, rounds=10, threads=2
        )
    assert counts["exchanged"] == counts["tried"], counts
    assert counts["exchange_poisoned"] == 0, counts


@on("debug")
@MODES
def test_words_that_cannot_be_read_stay(lab: Lab, mode: str) -> None:
    """Of base pages, none of which has to be put back."""
    with (
        failing_function(lab, "exchange_by_words", -EHWPOISON),
        failing_function(lab, "exchange_read_page", -EHWPOISON),
    ):
        counts = lab.check(
            "exchange_faults", page="base", mode=mode, pages=60, bounce=0, rounds=10, threads=2
        )
    assert counts["exchange_poisoned"] > 0, counts
    assert counts["exchanged"] > 0, counts
    assert_balanced(counts, counts["tried"])


@on("debug")
def test_words_are_swapped_as_far_as_both_sides_can_be_read(lab: Lab) -> None:
    """The kernel's own test, which some kernels run when they boot, too."""
    results = lab.run("cd /sys/kernel/debug/kunit/swap_mc; echo run >run; cat results")
    assert "# swap_mc: pass:3 fail:0" in results, results
