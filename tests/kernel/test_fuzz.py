"""Everything at once: processes use memory in many ways while others move and exchange it and change settings."""

from __future__ import annotations

import os
from collections import Counter

import pytest

from tests.kernel.conftest import FULL, on
from tests.kernel.lab import Lab

SECONDS = int(os.environ.get("FUZZ_SECONDS", "1800" if FULL else "60"))
PART = 300
"""Seconds that one command takes, so that its time limit is far."""

SWAP = "/dev/loop0"
WAYS = ("pages_serial", "pages_threads", "pages_offload")


def fuzz(lab: Lab) -> None:
    lab.may_lack_memory = True
    lab.load("softdma", channels=8)
    lab.load("test_migrate_offload")
    lab.run(f"swapon {SWAP}")
    total = Counter[str]()
    try:
        for first in range(0, SECONDS, PART):
            total.update(lab.check("fuzz", seconds=min(PART, SECONDS - first), seed=1 + first))
    finally:
        lab.run(f"swapoff {SWAP}; rmmod test_migrate_offload softdma")
    for name in ("operations", "moved", "exchanged", "refused", "settings", *WAYS):
        assert total[name] > 0, (name, total)


@on("debug")
def test_memory_is_used_while_it_moves(lab: Lab) -> None:
    fuzz(lab)


@on("arm64_debug")
@pytest.mark.architectures
def test_memory_is_used_while_it_moves_on_another_architecture(lab: Lab) -> None:
    fuzz(lab)
