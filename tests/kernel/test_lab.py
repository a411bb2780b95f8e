"""What the kernel is excused for, and that nothing else is with it."""

from __future__ import annotations

import pytest

from tests.kernel.lab import COMPLAINTS, without_excused

DYING = """\
smpboot: CPU 2 is now offline
WARNING: CPU: 1 PID: 20 at ../source/kernel/sched/core.c:8365 sched_cpu_dying+0x66/0x190
Stopper: multi_cpu_stop+0x0/0xf0 <- __stop_cpus.constprop.0+0x69/0x90
Call Trace:
 cpuhp_invoke_callback+0xe0/0x3a0
---[ end trace 0000000000000000 ]---
CPU1 enqueued tasks (2 total):
\tpid: 20, name: migration/1
"""
AFTER = "smpboot: CPU 1 is now offline\n"
NO_MEMORY = """\
checks: page allocation failure: order:0, mode:0x108c02(GFP_NOWAIT)
Call Trace:
0 pages hwpoisoned
"""


def test_a_server_that_counts_as_a_task_is_excused() -> None:
    assert without_excused(DYING + AFTER, may_lack_memory=False) == f"smpboot: CPU 2 is now offline\n{AFTER}"


def test_a_lack_of_memory_is_excused_where_it_is_made() -> None:
    assert not COMPLAINTS.search(without_excused(NO_MEMORY, may_lack_memory=True))
    assert COMPLAINTS.search(without_excused(NO_MEMORY, may_lack_memory=False))


@pytest.mark.parametrize(
    "log",
    [
        f"{DYING}\tpid: 21, name: checks\n",
        DYING.replace("2 total", "3 total"),
        DYING.replace("sched_cpu_dying", "migrate_pages"),
        f"WARNING: CPU: 3 PID: 9 at mm/migrate.c:1 migrate_pages+0x1/0x2\n{DYING}",
        f"{DYING}WARNING: CPU: 3 PID: 9 at mm/migrate.c:1 migrate_pages+0x1/0x2\n",
    ],
)
def test_all_else_is_a_complaint(log: str) -> None:
    assert COMPLAINTS.search(without_excused(log + AFTER, may_lack_memory=False))


def test_an_empty_nvram_is_excused() -> None:
    log = "WARNING: nvram corruption detected: 0-length partition\nnvram: No room to create lnx,oops-log partition\n"
    assert without_excused(log + AFTER, may_lack_memory=False) == AFTER
