"""Faults that were once found in the series or in the kernel below it, each in the way that it showed."""

from __future__ import annotations

import pytest

from tests.kernel.conftest import FULL, on
from tests.kernel.lab import Lab
from tests.kernel.test_exchange import EHWPOISON
from tests.kernel.test_faults import failing_function

LONGER = 10 if FULL else 1

SLOWER = 1.1 if FULL else 2
"""A threaded copy whose workers got no CPU took 2.9 times as long as a plain one. It takes 0.93 to 1.05 times as long
(24 medians of 31 in turns, on 6.12 and 7.3, on an idle machine with two CPUs); CI may share its machine."""


@on("debug")
@pytest.mark.parametrize("mode", ["serial", "parallel+concurrent"])
def test_a_memory_error_that_comes_during_an_exchange_is_not_lost(lab: Lab, mode: str) -> None:
    """A folio that is isolated, or whose references are frozen, cannot be dealt with then."""
    counts = lab.check("exchange_poison", page="thp", pages=6, mode=mode, threads=2, rounds=6)
    assert counts == {"poisoned": 6, "left": 0}  # each is counted once, however often it is tried


@on("debug")
@pytest.mark.parametrize("page", ["thp", "base"])
def test_pages_that_cannot_be_put_back_are_never_seen_by_others(lab: Lab, page: str) -> None:
    """One read fails while a pair is exchanged, another one while that is undone; base pages have nothing to undo.

    A huge page takes 1022 reads there and as many back, so that soon two that are so far apart hit the same one.
    """
    with failing_function(lab, "exchange_read_page", -EHWPOISON):
        lab.run("cd /sys/kernel/debug/fail_function && echo 1100 >interval && echo 100 >probability")
        try:
            counts = lab.check("exchange_poison_back", page=page, mode="serial", pages=1, rounds=20)
        finally:
            lab.run("echo 1 >/sys/kernel/debug/fail_function/interval")
    assert counts["lost"] == {"thp": 2, "base": 0}[page]


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


@on("one_cpu")
@pytest.mark.parametrize("share", ["memory", "fifo"])
@pytest.mark.parametrize("mode", ["parallel", "parallel+concurrent"])
def test_threads_do_not_wait_for_busy_cpus(lab: Lab, mode: str, share: str) -> None:
    """The CPU of the target node runs an endless loop, an ordinary or a real-time one. More than two emulated CPUs that
    are busy would share those of a small machine, and what is measured would be that."""
    counts = lab.check("busy", page="thp", pages=1, mode=mode, threads=2, share=share, cpus="1", rounds=31)
    assert counts["other"] <= SLOWER * counts["plain"], counts
