"""Who of a fleet runs what: everything once, large shards first, and nothing is lost with a host."""

from __future__ import annotations

import random
import threading
from pathlib import Path

import pytest

from orchestrator.execution.work_queue import ReplicaQueue, ShardQueue, WorkQueue
from orchestrator.experiment.loader import load
from orchestrator.plan import Plan
from orchestrator.plan.model import Block

FILE = """
version: 1
benchmark: {command: [prog, "{n}", "{m}"], metrics: {x: {key_value: x, unit: s}}}
factors: {n: {range: {from: 1, to: 25}}, m: [1, 2, 3, 4]}
exclude: [n == m]
repetitions: 2
"""


def plan_of(folder: Path, text: str = FILE, hosts: tuple[str, ...] = ()) -> Plan:
    (folder / "e.yaml").write_text(text)
    return Plan(load(folder / "e.yaml", provider_options={}), hosts=hosts)


def never() -> bool:
    return False


def test_shares_are_the_whole(tmp_path: Path) -> None:
    plan = plan_of(tmp_path)
    (block,) = plan.blocks()
    work_queue = ShardQueue(plan, lambda block: any(plan.trials(block)), 4, {})
    shards: list[Block] = []
    while shard := work_queue.take("a", never):
        shards.append(shard)
    taken = [trial for shard in shards for trial in plan.trials(shard)]
    assert sorted(trial.id for trial in taken) == sorted(trial.id for trial in plan.trials(block))
    sizes = [shard.shard.end - shard.shard.first for shard in shards if shard.shard]
    assert sizes[0] == 100 // 8
    assert sizes[-1] == 1
    assert len(sizes) < 50
    assert all(plan.find_block(shard.name) == shard for shard in shards)


@pytest.mark.parametrize("order", ["random", "listed"])
def test_a_share_has_all_repetitions_of_its_cells(tmp_path: Path, order: str) -> None:
    plan = plan_of(tmp_path, f"{FILE}order: {{within_block: {order}}}\n")
    first = ShardQueue(plan, lambda block: True, 4, {}).take("a", never)
    assert first is not None
    trials = list(plan.trials(first))
    assert len(trials) == 2 * len({trial.cell.id for trial in trials})
    listed = [trial.cell.id for trial in trials[: len(trials) // 2]] == [
        trial.cell.id for trial in trials[len(trials) // 2 :]
    ]
    assert listed == (order == "listed")


def test_hosts_that_die_leave_nothing_undone(tmp_path: Path) -> None:
    """Eight threads, of which two give up with a shard in their hands."""
    plan = plan_of(tmp_path)
    (block,) = plan.blocks()
    done: list[str] = []
    work_queue = ShardQueue(plan, lambda shard: any(t.id not in done for t in plan.trials(shard)), 8, {})

    def host(name: str, dies: bool) -> None:
        chance = random.Random(name)
        taken = 0
        while shard := work_queue.take(name, never):
            taken += 1
            if dies and taken == 2:
                break
            for trial in plan.trials(shard):
                if trial.id not in done:
                    done.append(trial.id)
            threading.Event().wait(chance.random() / 100)
        work_queue.requeue(name)

    threads = [threading.Thread(target=host, args=(f"h{n}", n < 2)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sorted(done) == sorted(trial.id for trial in plan.trials(block))


def test_a_started_block_stays_with_its_host_until_the_host_is_lost(tmp_path: Path) -> None:
    plan = plan_of(tmp_path)
    started = plan.find_block("0.10-20")
    assert started is not None
    work_queue = ShardQueue(plan, lambda block: True, 2, {"a": [started], "b": []})
    others = work_queue.take("b", never)
    assert others is not None
    assert others.shard is not None
    assert others.shard.first == 0
    assert others.shard.end <= 10
    assert work_queue.take("a", never) == started
    work_queue.requeue("a")
    rest = set()
    while shard := work_queue.take("b", never):
        assert shard.shard is not None
        rest.update(range(shard.shard.first, shard.shard.end))
    assert rest == set(range(others.shard.end, 100))


def test_each_host_has_its_own(tmp_path: Path) -> None:
    plan = plan_of(tmp_path, f"{FILE}hosts: {{provider: ssh, group: all, fleet: replicate}}\n", ("a", "b"))
    work_queue: WorkQueue = ReplicaQueue(plan, lambda block: True)
    one, other = work_queue.take("a", never), work_queue.take("b", never)
    assert one is not None
    assert other is not None
    ids = [{trial.id for trial in plan.trials(block)} for block in (one, other)]
    assert not ids[0] & ids[1]
    assert len(ids[0]) == len(ids[1]) == plan.trial_count / 2
    assert {trial.cell.levels["host"].text for trial in plan.trials(one)} == {"a"}
    assert work_queue.take("a", never) is None
    assert work_queue.next_shard("b", other) is None
