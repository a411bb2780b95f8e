"""Facts, needs and ``migbench`` on machines of odd shapes."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from orchestrator.cpu_lists import format_cpus
from orchestrator.experiment.model import Needs
from orchestrator.hosts import facts
from tests.integration.odd_shapes import SHAPES, OddMachine

HERE = Path(__file__).parent
SOURCE = HERE.parents[1] / "roles" / "migbench" / "files"
Odd = Callable[[str], OddMachine]


@pytest.fixture(scope="module")
def migbench(tmp_path_factory: pytest.TempPathFactory) -> Path:
    build = tmp_path_factory.mktemp("migbench")
    environment = {**os.environ, "MAKEFLAGS": ""}
    subprocess.run(["make", "-C", SOURCE, f"BUILD={build}"], check=True, capture_output=True, env=environment)
    return build / "migbench"


@pytest.fixture
def odd(tmp_path: Path) -> Odd:
    return lambda shape: OddMachine(SHAPES[shape], tmp_path)


def gather(machine: OddMachine) -> facts.Facts:
    done = machine.run(*facts.command().argv)
    assert (done.returncode, done.stderr) == (0, "")
    return facts.parse(done.stdout)


@pytest.mark.parametrize("shape", SHAPES)
def test_facts(odd: Odd, shape: str) -> None:
    found = gather(odd(shape))
    nodes = SHAPES[shape]
    assert [(node.id, node.cpus, node.memory >> 10) for node in found.nodes] == [
        (node.id, format_cpus(node.cpus), node.memory) for node in nodes
    ]
    assert all(len(node.distances) == len(nodes) and 10 in node.distances for node in found.nodes)
    assert found.online == format_cpus(cpu for node in nodes for cpu in node.cpus)


@pytest.mark.parametrize(
    ("shape", "needs", "messages"),
    [
        ("gaps", Needs(numa_nodes=2, nodes=(0, 8)), []),
        ("gaps", Needs(nodes=(1, 1023)), ["needs memory on NUMA node 1, host has it on 0,8,252,1023"]),
        ("no node 0", Needs(numa_nodes=4, nodes=(4, 7)), []),
        ("no node 0", Needs(nodes=(0, 1)), ["needs memory on NUMA node 0-1, host has it on 4-7"]),
        ("CPUs only", Needs(numa_nodes=2), ["needs 2 NUMA nodes, host has 1"]),
        ("CPUs only", Needs(nodes=(0,)), ["needs memory on NUMA node 0, host has it on 1"]),
        ("memory only", Needs(numa_nodes=3, nodes=(2,)), []),
        ("64 nodes", Needs(numa_nodes=64, nodes=(63,)), []),
    ],
)
def test_needs(odd: Odd, shape: str, needs: Needs, messages: list[str]) -> None:
    assert facts.unmet(needs, gather(odd(shape))) == messages


def trial(machine: OddMachine, migbench: Path, *options: str) -> dict[str, Any]:
    done = machine.run(migbench, "--settle-ms=0", *options)
    assert done.returncode in (0, 1, 3, 4), done.stderr
    document: dict[str, Any] = json.loads(done.stdout)
    return document


@pytest.mark.parametrize("shape", SHAPES)
def test_migbench_knows_the_nodes(odd: Odd, migbench: Path, shape: str) -> None:
    done = odd(shape).run(migbench, "--probe")
    assert done.returncode == 0, done.stderr
    nodes = json.loads(done.stdout)["environment"]["nodes"]
    usable = os.sched_getaffinity(0)
    assert [(node["id"], node["cpus"], node["memory_bytes"] >> 10) for node in nodes] == [
        (node.id, [cpu for cpu in node.cpus if cpu in usable], node.memory) for node in SHAPES[shape]
    ]
    assert [len(node["distances"]) for node in nodes] == [len(nodes)] * len(nodes)


@pytest.mark.parametrize(
    ("shape", "options", "reason"),
    [
        ("one CPU", ("--cpu-node=target",), "node 1 has no CPU to run on"),
        ("memory only", ("--source-node=2", "--cpu-node=source"), "node 2 has no CPU to run on"),
        ("CPUs only", (), "mode serial requires two NUMA nodes with memory; this machine has 1"),
        ("gaps", ("--target-node=1",), "target node 1: no such node, or it has no memory"),
        ("gaps", ("--target-node=252", "--cpu-node=target"), "node 252 has no CPU to run on"),
        ("no node 0", ("--source-node=0",), "source node 0: no such node, or it has no memory"),
        ("64 nodes", ("--source-node=5", "--cpu-node=source"), "node 5 has no CPU to run on"),
    ],
)
def test_places_that_do_not_exist(
    odd: Odd, migbench: Path, shape: str, options: tuple[str, ...], reason: str
) -> None:
    usable = os.sched_getaffinity(0)
    if not usable <= {0, 1}:
        pytest.skip("the processes of this machine run on other CPUs than 0 and 1")
    document = trial(odd(shape), migbench, "--memory=base", *options)
    assert (document["status"], document["reason"]) == ("unsupported", reason)


def test_required_memory_below_a_mebibyte(odd: Odd, migbench: Path) -> None:
    """Node 8 is in sysfs only; the kernel has no free blocks of it."""
    document = trial(odd("gaps"), migbench, "--pages=16")
    assert document["status"] == "disturbed"
    assert document["reason"] == "node 8 has 0 KiB free in blocks of at least one page; 64 KiB required"


@pytest.mark.parametrize("cpus", [1025, 1100, 1792, 8192])
def test_more_cpus_than_a_cpu_set_holds(migbench: Path, tmp_path: Path, cpus: int) -> None:
    wrapper = tmp_path / "refuse_calls"
    subprocess.run(["cc", "-o", wrapper, HERE / "refuse_calls.c"], check=True)
    options = ("--mode=copy", "--source-node=0", "--target-node=0", "--threads=2", "--settle-ms=0")
    done = subprocess.run([wrapper, str(cpus // 8), migbench, *options], capture_output=True, text=True)
    assert (done.returncode, json.loads(done.stdout)["status"]) == (0, "ok"), done.stderr
    done = subprocess.run([wrapper, str(cpus // 8), migbench, "--probe"], capture_output=True, text=True)
    nodes = json.loads(done.stdout)["environment"]["nodes"]
    assert {cpu for node in nodes for cpu in node["cpus"]} == os.sched_getaffinity(0)
