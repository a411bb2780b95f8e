"""Copies by a provider that is a module: it copies segments in random order and reports them as they come."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.kernel.conftest import FULL, on
from tests.kernel.lab import ACCEL, Lab, parse
from tests.kernel.offloading import UNTIL_UNUSED, left_by_dma, moved_with, some_cells, unloading

MODULE = "test_migrate_offload"
PARAMETERS = f"/sys/module/{MODULE}/parameters"
SOME_PAGES = ("base", "thp", "hugetlb", "shmem")


@pytest.fixture
def shuffle(lab: Lab) -> Iterator[Lab]:
    lab.load(MODULE)
    lab.run(f"echo shuffle >{ACCEL}/offload/provider")
    yield lab
    lab.run(f"echo dma >{ACCEL}/offload/provider; rmmod {MODULE}")


@contextmanager
def troubles(lab: Lab, **values: int) -> Iterator[None]:
    """Parameters of the provider, and a short patience."""
    before = {name: lab.run(f"cat {PARAMETERS}/{name}").strip() for name in values}
    lab.run(f"echo 100 >{ACCEL}/offload/timeout_ms")
    lab.run("".join(f"echo {value} >{PARAMETERS}/{name}\n" for name, value in values.items()))
    try:
        yield
    finally:
        lab.run("".join(f"echo {value} >{PARAMETERS}/{name}\n" for name, value in before.items()))
        lab.run(f"echo 5000 >{ACCEL}/offload/timeout_ms")


@on("debug")
def test_the_administrator_chooses_who_copies(lab: Lab) -> None:
    assert lab.run(f"cat {ACCEL}/offload/provider").split() == ["dma"]
    lab.load(MODULE)
    assert lab.run(f"cat {ACCEL}/offload/available_providers").split() == ["dma", "shuffle", "none"]
    lab.run(f"echo shuffle >{ACCEL}/offload/provider; rmmod {MODULE}")
    assert lab.run(f"cat {ACCEL}/offload/provider").split() == ["none"], (
        "it has gone, and nobody takes its place"
    )
    counts = lab.check("faults", page="thp", mode="dma", pages=1, rounds=1)
    assert (counts["pages_offload"], left_by_dma(counts)) == (0, {"provider": 512})
    lab.run(f"echo dma >{ACCEL}/offload/provider")


@on("debug")
def test_segments_are_reported_in_any_order(shuffle: Lab) -> None:
    for cell, counted in moved_with(shuffle, some_cells((0,), SOME_PAGES)):
        assert left_by_dma(counted) == {}, (cell, counted)
        assert counted["offload_copies"] > 0


@on("debug")
@pytest.mark.parametrize(("trouble", "reason"), [("fail_every", "error"), ("refuse_every", "submit")])
def test_what_it_does_not_copy_the_cpu_copies(shuffle: Lab, trouble: str, reason: str) -> None:
    with troubles(shuffle, **{trouble: 5}):
        found = moved_with(shuffle, some_cells((0,)))
    assert all(left_by_dma(counted).keys() <= {reason} for _, counted in found), found
    assert sum(counted[f"offload_fallback_{reason}"] for _, counted in found) > 0
    assert sum(counted["pages_offload"] for _, counted in found) > 0


@on("debug")
@pytest.mark.parametrize("mode", ["dma", "dma+parallel+concurrent"])
def test_lanes_that_do_not_finish_are_stopped(shuffle: Lab, mode: str) -> None:
    with troubles(shuffle, hold=1):
        counts = shuffle.check("faults", page="thp", mode=mode, pages=2, rounds=1)
    assert counts["moved"] == counts["tried"], counts
    assert (counts["pages_offload"], left_by_dma(counts).keys()) == (0, {"timeout"}), counts


@on("debug")
def test_nobody_waits_for_lanes_that_cannot_be_stopped(shuffle: Lab) -> None:
    """What they had to copy gets another target; when they are back at last, nothing is left behind."""
    with troubles(shuffle, hold=1, can_stop=0):
        counts = shuffle.check("faults", page="thp", mode="dma", pages=4, rounds=1)
    assert counts["moved"] == counts["tried"], counts
    assert left_by_dma(counts).keys() == {"timeout"}, counts
    shuffle.run(UNTIL_UNUSED.replace("softdma", MODULE))


UNLOADING = unloading(MODULE, 4, use=f"echo shuffle >{ACCEL}/offload/provider")


@on("debug")
def test_it_comes_and_goes_while_pages_move(shuffle: Lab) -> None:
    counts = parse(shuffle.run(UNLOADING, str(1000 if FULL else 100)))
    assert counts["unloaded"] > 0
    assert counts["pages_offload"] > 0
    assert left_by_dma(counts).keys() <= {"provider"}, counts
