"""Faults that were once found in the series or in the kernel below it, each in the way that it showed."""

from __future__ import annotations

import pytest

from tests.kernel.conftest import FULL, on
from tests.kernel.lab import Lab

LONGER = 10 if FULL else 1

SLOWER = 1.5
"""A threaded copy whose workers get no CPU took 2.9 times as long as a plain one; emulated CPUs are noisy."""


@on("debug")
@pytest.mark.parametrize("mode", ["serial", "parallel+concurrent"])
def test_a_memory_error_that_comes_during_an_exchange_is_not_lost(lab: Lab, mode: str) -> None:
    """A folio that is isolated, or whose references are frozen, cannot be dealt with then."""
    counts = lab.check("exchange_poison", page="thp", pages=6, mode=mode, threads=2, rounds=6)
    assert counts == {"poisoned": 6, "left": 0}  # each is counted once, however often it is tried


@on("debug")
@pytest.mark.parametrize("share", ["memory", "nodes"])
@pytest.mark.parametrize("mode", ["serial", "parallel+concurrent"])
def test_a_folio_that_becomes_partly_mapped_is_not_queued_as_wholly_mapped(
    lab: Lab, mode: str, share: str
) -> None:
    """``share``: memory is exchanged, or moved between nodes."""
    counts = lab.check("deferred", pages=4, mode=mode, share=share, helpers=2, rounds=20 * LONGER)
    assert counts["changed"] > 0


@on("debug")
@pytest.mark.parametrize("mode", ["serial", "parallel+concurrent"])
def test_a_32_bit_caller_gets_every_status(lab: Lab, mode: str) -> None:
    lab.check("compat", mode=mode)


@on("four_nodes")
@pytest.mark.parametrize("share", ["memory", "fifo"])
def test_threads_do_not_wait_for_busy_cpus(lab: Lab, share: str) -> None:
    """All CPUs of the target node run endless loops, ordinary or real-time ones."""
    counts = lab.check(
        "busy", page="thp", pages=1, mode="parallel", threads=2, share=share, cpus="2,3", rounds=15 * LONGER
    )
    assert counts["other"] <= SLOWER * counts["plain"], counts
