"""What the administrator wants for migrations that nobody else can ask for it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.kernel.conftest import on
from tests.kernel.lab import ACCEL, Lab


@contextmanager
def policy(lab: Lab, reason: str, words: str) -> Iterator[None]:
    lab.run(f'echo "$1" >{ACCEL}/policy/{reason}', words)
    assert lab.run(f"cat {ACCEL}/policy/{reason}").strip() == words
    try:
        yield
    finally:
        lab.run(f"echo none >{ACCEL}/policy/{reason}")


def stats(lab: Lab, reason: str) -> dict[str, int]:
    lines = lab.run(f"cd {ACCEL}/stats/{reason}; grep . *").splitlines()
    return {name: int(value) for name, value in (line.split(":") for line in lines)}


def compacted(lab: Lab) -> dict[str, int]:
    """Compact memory, and return what was counted for it."""
    before = stats(lab, "compaction")
    lab.check("compaction", pages=8192, rounds=2)
    after = stats(lab, "compaction")
    return {name: after[name] - before[name] for name in after}


@on("two_nodes", "debug")
def test_compaction_moves_in_batches(lab: Lab) -> None:
    counts = compacted(lab)
    assert counts["pages_serial"] > 0
    assert counts["batches"] == 0
    with policy(lab, "compaction", "concurrent"):
        counts = compacted(lab)
    assert counts["batch_folios"] > counts["batches"] > 0


@on("two_nodes")
def test_compaction_is_offloaded(lab: Lab) -> None:
    lab.run(f"echo 2 >{ACCEL}/offload/dma/channels")
    with policy(lab, "compaction", "concurrent offload"):
        counts = compacted(lab)
    lab.run(f"echo 0 >{ACCEL}/offload/dma/channels")
    assert counts["pages_offload"] > 0


@contextmanager
def balancing(lab: Lab) -> Iterator[None]:
    lab.run("echo 1 >/proc/sys/kernel/numa_balancing")
    try:
        yield
    finally:
        lab.run("echo 0 >/proc/sys/kernel/numa_balancing")


@on("debug")
@pytest.mark.parametrize(("words", "way"), [("none", "serial"), ("parallel", "threads")])
def test_numa_balancing_copies_as_its_policy_says(lab: Lab, words: str, way: str) -> None:
    before = stats(lab, "numa_misplaced")
    cpus = ",".join(map(str, lab.layout.cpus(1)))
    with policy(lab, "numa_misplaced", words), balancing(lab):
        counts = lab.check("balancing", page="thp", pages=4, cpus=cpus, seconds=60)
    after = stats(lab, "numa_misplaced")
    assert counts["there"] == counts["pages"], counts
    assert after[f"pages_{way}"] - before[f"pages_{way}"] >= counts["pages"], (before, after)


@on("two_nodes", "debug")
def test_who_asks_is_counted_apart(lab: Lab) -> None:
    before = stats(lab, "syscall_or_cpuset"), stats(lab, "mempolicy_mbind")
    lab.check_lines("cells", ["page=thp pages=1 mode=parallel interface=mbind threads=2 batch=1 from=0 to=1"])
    after = stats(lab, "syscall_or_cpuset"), stats(lab, "mempolicy_mbind")
    assert after[0] == before[0]
    assert after[1]["pages_threads"] == before[1]["pages_threads"] + 512
