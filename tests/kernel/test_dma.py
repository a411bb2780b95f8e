"""Migration by DMA, with channels that are threads: what goes that way, what the CPU does instead and why."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.kernel.cells import BASE_PAGES, PAGES, Cell, dma_cells
from tests.kernel.conftest import FULL, on
from tests.kernel.lab import ACCEL, Lab, parse
from tests.kernel.offloading import UNTIL_UNUSED, left_by_dma, moved_with, some_cells, unloading
from tests.kernel.test_cells import assert_cells, pairs_of, refused
from tests.kernel.test_faults import failing_function, faults

PARAMETERS = "/sys/module/softdma/parameters"
CHANNELS = (0, 1, 2, 3, 4, 8, 16) if FULL else (0, 1, 3, 16)
DMA_MODES = ("dma", "dma+parallel", "dma+concurrent", "dma+parallel+concurrent")
MOST_PATHS = pytest.mark.parametrize("by", ["dma", "dma+parallel+concurrent"])
HUGE_AND_BASE = pytest.mark.parametrize("page", ["thp", "base"])
COUNT = {"thp": 3, "base": 64}
ROUNDS = 10_000 if FULL else 150
ROUNDS_WATCHED = 10_000 if FULL else 60
PART = 500
"""Rounds that one command makes, so that its time limit is far."""

LONGER = 10 if FULL else 1


@pytest.fixture
def engine(lab: Lab) -> Iterator[Lab]:
    """A guest with channels: of a module where it can be one."""
    if lab.is_debug:
        lab.load("softdma", channels=16)
    yield lab
    release(lab)
    if lab.is_debug:
        lab.run("rmmod softdma")


def release(lab: Lab) -> None:
    lab.run(f"echo 0 >{ACCEL}/offload/dma/channels")


def files_of(lab: Lab, folder: str) -> dict[str, str]:
    """The files of a directory of the series, and what they say."""
    return dict(line.split(":", 1) for line in lab.run(f"cd {ACCEL}/{folder}; grep . *").splitlines())


@contextmanager
def another_engine(lab: Lab, **parameters: str | int) -> Iterator[None]:
    """Channels of the module that are as the parameters say."""
    lab.load("softdma", **parameters)
    try:
        yield
    finally:
        release(lab)
        lab.run("rmmod softdma")


@contextmanager
def troubles(lab: Lab, **values: int) -> Iterator[None]:
    """Channels that fail now and then, and are given up soon."""
    lab.run(f"echo 100 >{ACCEL}/offload/timeout_ms")
    lab.run("".join(f"echo {value} >{PARAMETERS}/{name}\n" for name, value in values.items()))
    try:
        yield
    finally:
        lab.run("".join(f"echo 0 >{PARAMETERS}/{name}\n" for name in values))
        lab.run(f"echo 5000 >{ACCEL}/offload/timeout_ms")


def copied_by_dma(lab: Lab) -> int:
    """Base pages, since the guest is up."""
    return sum(map(int, lab.run(f"cat {ACCEL}/stats/*/pages_offload").split()))


@on("two_nodes", "debug")
def test_everything_goes_by_dma(engine: Lab) -> None:
    channels = CHANNELS if FULL or not engine.is_debug else (3,)
    assert_cells(engine, dma_cells(pairs_of(engine), channels))


@on("two_nodes")
@pytest.mark.parametrize("batch", [1, 2, 5, 16384])
def test_batches_of_any_size(engine: Lab, batch: int) -> None:
    assert_cells(
        engine,
        (
            Cell(page, "dma+concurrent", "move_pages", 1, 0, 1, batch=batch, channels=channels)
            for page in ("base", "thp", "shmem")
            for channels in (1, 3)
        ),
    )


@on("two_nodes", "debug")
def test_the_kernel_says_what_would_copy(engine: Lab) -> None:
    assert files_of(engine, "flags") == {"parallel": "0x10000", "concurrent": "0x20000", "offload": "0x40000"}
    free = files_of(engine, "offload/dma")
    assert free == {
        "available_channels": "16",
        "channels": "0",
        "all_channels": free["all_channels"],
        "drivers": "softdma",
    }
    engine.run(f"echo 16 >{ACCEL}/offload/dma/channels")
    assert files_of(engine, "offload/dma") == free | {"channels": "16"}, "also when they are held"
    release(engine)


@on("four_nodes")
def test_without_a_channel_the_cpu_copies_and_says_so(lab: Lab) -> None:
    assert files_of(lab, "offload/dma")["available_channels"] == "0"
    for cell, counted in moved_with(lab, dma_cells([(0, 1)], (0, 3))):
        assert left_by_dma(counted) == {"provider": cell.base_pages}, cell
        threaded = "parallel" in cell.mode and (
            BASE_PAGES[cell.page] > 1 or ("concurrent" in cell.mode and cell.page != "block")
        )
        assert (counted["pages_threads"] > 0) == threaded, (cell, counted)


@on("two_nodes", "debug")
def test_files_have_ranges(lab: Lab) -> None:
    refused(
        lab,
        {
            "offload/dma/all_channels": ("2", "-1"),
            "offload/dma/channels": ("17", "-1", "many"),
            "offload/timeout_ms": ("0", "60001"),
            "offload/provider": ("no-such-one", ""),
        },
    )


@on("two_nodes", "debug")
@pytest.mark.parametrize(
    ("trouble", "reason"), [("fail_every", "error"), ("refuse_every", "submit"), ("lose_every", "timeout")]
)
def test_what_a_channel_does_not_copy_the_cpu_copies(engine: Lab, trouble: str, reason: str) -> None:
    """A failed transfer leaves wrong bytes in its target, so one that is overlooked is found."""
    with troubles(engine, **{trouble: 5}):
        found = moved_with(engine, some_cells())
    assert all(left_by_dma(counted).keys() <= {reason} for _, counted in found), found
    assert sum(counted[f"offload_fallback_{reason}"] for _, counted in found) > 0
    assert sum(counted["pages_offload"] for _, counted in found) > 0
    # Threads take what DMA leaves, where they are requested and there is more than one page of it.
    assert any(counted["pages_threads"] for cell, counted in found if "parallel" in cell.mode)
    assert not any(counted["pages_threads"] for cell, counted in found if "parallel" not in cell.mode)


@on("two_nodes", "debug")
def test_all_troubles_at_once(engine: Lab) -> None:
    with troubles(engine, fail_every=5, refuse_every=7, lose_every=41, delay_us=300):
        moved_with(engine, some_cells((1, 2, 7, 16), ("base", "thp", "hugetlb", "shmem")))


@on("debug")
def test_an_engine_that_wants_more_alignment_gets_huge_pages_only(lab: Lab) -> None:
    with another_engine(lab, channels=4, copy_align=13):
        found = moved_with(lab, some_cells((0, 3)))
    for cell, counted in found:
        expected = {"align": PAGES["base"]} if cell.page == "base" else {}
        assert left_by_dma(counted) == expected, (cell, counted)


@on("debug")
def test_transfers_are_not_longer_than_the_engine_takes(lab: Lab) -> None:
    with another_engine(lab, channels=4, max_seg_size=4096 * 5):
        for cell, counted in moved_with(lab, some_cells((0, 3))):
            assert left_by_dma(counted) == {}, (cell, counted)


@on("debug")
@pytest.mark.parametrize("by", DMA_MODES)
def test_nobody_waits_for_a_channel_that_cannot_be_stopped(lab: Lab, by: str) -> None:
    """What it had to copy gets another target; when the engine is back at last, nothing is left behind."""
    with another_engine(lab, channels=2, can_terminate=0, lose_ms=3000):
        with troubles(lab, lose_every=3):
            counts = lab.check("faults", page="thp", mode=by, pages=4, rounds=2, channels=2)
        assert counts["moved"] == counts["tried"], counts
        assert left_by_dma(counts).keys() == {"timeout"}, counts
        release(lab)
        lab.run(UNTIL_UNUSED)


@on("debug")
def test_a_copy_that_makes_little_progress_is_given_up(lab: Lab) -> None:
    """Before it is over: with folios locked nobody waits as long as an engine likes. Here it would take ten seconds."""
    with another_engine(lab, channels=1, max_seg_size=4096), troubles(lab, delay_us=20_000):
        counts = lab.check("faults", page="thp", mode="dma", pages=1, rounds=1, channels=1)
    assert counts["moved"] == counts["tried"], counts
    assert counts["pages_offload"] > 0, counts
    assert left_by_dma(counts).keys() == {"timeout"}, counts


@on("debug")
def test_a_channel_that_never_answers_takes_no_other_with_it(lab: Lab) -> None:
    """It has its transfer for as long as it likes; the others are released, and obtained again."""
    channels = f"{ACCEL}/offload/dma/channels"
    one_page: dict[str, str | int] = {"page": "thp", "mode": "dma", "pages": 1, "rounds": 1, "channels": -1}
    with another_engine(lab, channels=3, can_terminate=0, lose_ms=60_000):
        lab.run(f"echo 2 >{channels}; echo 0 >{ACCEL}/offload/dma/all_channels")
        with troubles(lab, lose_every=1):
            assert left_by_dma(lab.check("faults", **one_page)).keys() == {"timeout"}
        assert lab.run(f"cat {channels}") == "1\n"
        assert left_by_dma(lab.check("faults", **one_page)) == {}
        assert lab.run(f"echo 2 >{channels}; cat {channels}") == "2\n", "the third"
        assert lab.run(f"echo 0 >{channels}; echo 3 >{channels}; cat {channels}") == "2\n"
        assert left_by_dma(lab.check("faults", **one_page)) == {}
        lab.run(f"echo 0 >{channels}")
        lab.run(UNTIL_UNUSED.replace("30", "90"))


@on("debug")
def test_a_channel_that_does_not_finish_is_left_alone_by_all_calls(engine: Lab) -> None:
    """Until the administrator obtains channels anew."""
    with troubles(engine, lose_every=1):
        first = engine.check("faults", page="thp", mode="dma", pages=1, rounds=1, channels=1)
        assert left_by_dma(first) == {"timeout": 512}, first
    again = engine.check("faults", page="thp", mode="dma", pages=1, rounds=1)
    assert (again["pages_offload"], left_by_dma(again)) == (0, {"timeout": 512}), again
    anew = engine.check("faults", page="thp", mode="dma", pages=1, rounds=1, channels=1)
    assert (anew["pages_offload"], left_by_dma(anew)) == (512, {}), anew


@on("debug")
def test_nobody_gets_a_channel_unless_the_administrator_says_so(engine: Lab) -> None:
    counts = engine.check("faults", page="thp", mode="dma", pages=1, rounds=1)
    assert (counts["pages_offload"], left_by_dma(counts)) == (0, {"provider": 512}), counts


@on("debug")
def test_pages_that_cannot_be_mapped(engine: Lab) -> None:
    with failing_function(engine, "migrate_dma_map", -5):
        found = moved_with(engine, some_cells())
    assert all(left_by_dma(counted).keys() <= {"map"} for _, counted in found), found
    assert sum(counted["offload_fallback_map"] for _, counted in found) > 0


@on("debug")
@HUGE_AND_BASE
@pytest.mark.parametrize("by", DMA_MODES)
def test_no_memory(engine: Lab, by: str, page: str) -> None:
    """Any allocation may fail, those of the driver, too."""
    settings: dict[str, str | int] = {"task-filter": "Y", "ignore-gfp-wait": "N"}
    with faults(engine, "failslab", 50, **settings):
        counts = engine.check("faults", page=page, mode=by, pages=COUNT[page], rounds=6 * LONGER, channels=3)
    assert counts["moved"] > 0
    assert left_by_dma(counts).keys() & {"memory", "submit"}, counts
    assert left_by_dma(counts).keys() <= {"memory", "submit"}, counts


@on("two_nodes", "debug")
@MOST_PATHS
@HUGE_AND_BASE
def test_no_write_is_lost(engine: Lab, page: str, by: str) -> None:
    counts = engine.check(
        "writers", page=page, pages=COUNT[page], mode=by, helpers=3, rounds=3 * LONGER, channels=3
    )
    assert counts["passes"] > 0


@on("two_nodes", "debug")
@MOST_PATHS
@HUGE_AND_BASE
def test_shared_pages_move_for_all_and_are_copied_on_write(engine: Lab, page: str, by: str) -> None:
    counted = engine.check("sharing", page=page, pages=COUNT[page], mode=by, helpers=2, channels=3)
    assert counted["pages_offload"] == COUNT[page] * BASE_PAGES[page]


@on("two_nodes", "debug")
@MOST_PATHS
def test_processes_fork_and_end_meanwhile(engine: Lab, by: str) -> None:
    counts = engine.check("forks", page="thp", mode=by, threads=3, rounds=2 * LONGER, channels=3)
    assert counts["moved"] > 0


@on("memory_only")
@MOST_PATHS
def test_a_node_that_swaps(engine: Lab, by: str) -> None:
    before = copied_by_dma(engine)
    engine.run("swapon /dev/loop0")
    try:
        counts = engine.check(
            "pressure", page="thp", pages=4, mode=by, free_kib=16384, rounds=2 * LONGER, channels=3
        )
    finally:
        engine.run("swapoff /dev/loop0")
    assert counts["pswpout"] > 0, counts
    assert copied_by_dma(engine) > before


@on("memory_only")
@MOST_PATHS
@HUGE_AND_BASE
def test_a_node_with_free_memory_for_some_takes_some(engine: Lab, page: str, by: str) -> None:
    engine.may_lack_memory = True
    pages = {"thp": 12, "base": 6144}[page]
    counts = engine.check("full", page=page, pages=pages, mode=by, free_kib=4096, channels=3)
    assert 0 < counts["moved"] < counts["pages"]


SWITCHING = f"""
while [ -e /root/switching ]; do
    echo 3 >{ACCEL}/offload/dma/channels
    [ "$(cat {ACCEL}/offload/dma/channels)" = 3 ] || echo fewer >>/root/fewer
    sleep 0.01
    echo 0 >{ACCEL}/offload/dma/channels
done
"""


@on("two_nodes", "debug")
@MOST_PATHS
@pytest.mark.parametrize("share", ["memory", "nodes"])
def test_two_migrators_at_once(engine: Lab, share: str, by: str) -> None:
    """They have the same channels, which are obtained and released all the time: those that copies use, too."""
    engine.run(f"rm -f /root/fewer; touch /root/switching; ({SWITCHING}) >/dev/null 2>&1 &")
    try:
        before = copied_by_dma(engine)
        counts = engine.check("races", page="thp", mode=by, share=share, rounds=3 * LONGER)
    finally:
        engine.run("rm /root/switching")
    assert counts["moved"] > 0
    assert copied_by_dma(engine) > before
    engine.run("[ ! -e /root/fewer ]")


def mixed(lab: Lab, seed: int) -> dict[str, int]:
    """Many random moves, a part of them at a time; what was counted in all.

    In guests of few CPUs: 16 emulated ones on a busy machine of 2 wait for RCU's locks more than they run.
    """
    rounds = ROUNDS_WATCHED if lab.is_debug else ROUNDS
    counts: Counter[str] = Counter()
    for first in range(0, rounds, PART):
        counts.update(lab.check("mixed", pages=3, rounds=min(PART, rounds - first), seed=seed + first))
    return counts


@on("memory_only", "debug")
def test_a_long_mix_of_all_modes(engine: Lab) -> None:
    counts = mixed(engine, 1)
    assert counts["pages_offload"] > 0
    assert counts["pages_serial"] > 0
    if FULL or not engine.is_debug:  # a mix of a few rounds need not have threads
        assert counts["pages_threads"] > 0
    assert left_by_dma(counts) == {}, counts


@on("memory_only", "debug")
def test_a_long_mix_of_all_modes_and_troubles(engine: Lab) -> None:
    with troubles(engine, fail_every=5, refuse_every=7, lose_every=211):
        counts = mixed(engine, 2)
    assert counts["pages_offload"] > 0
    assert left_by_dma(counts).keys() >= {"error", "submit"}, counts


UNLOADING = unloading("softdma", 3, unuse=f"echo 0 >{ACCEL}/offload/dma/channels", parameters="channels=16")


@on("debug")
def test_the_module_is_unloaded_while_pages_move(engine: Lab) -> None:
    counts = parse(engine.run(UNLOADING, str(2 * PART if FULL else 100)))
    assert counts["unloaded"] > 0
    assert counts["busy"] > 0, "it was never in use when it was to be unloaded"
    assert counts["pages_offload"] > 0
    assert left_by_dma(counts).keys() <= {"provider"}, counts
