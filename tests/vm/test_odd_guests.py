"""``migbench`` in guests of odd shapes, and what the kernel refuses or moves in one of them.

The kernel numbers nodes with CPUs first, so memory-only nodes come last in a file. Each of the two guests takes 12 to
20 s to boot.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from orchestrator.hosts import facts
from orchestrator.hosts.base import Host, Machine
from orchestrator.hosts.command import Command, script
from tests.vm.conftest import STOCK, qemu_provider

SOURCE = Path(__file__).parents[2] / "roles" / "migbench" / "files"
PROGRAM = "/tmp/migbench"  # in the guest
MIGRATIONS = ("serial", "mbind", "migrate_pages", "userthreads")

ONE_CPU = [{"cpus": 1, "memory": "512MiB"}, {"cpus": 0, "memory": "384MiB"}]
SIXTY_FOUR = [
    {"cpus": 1, "memory": "512MiB"},
    {"cpus": 1, "memory": 0},
    *({"cpus": 0, "memory": "64MiB"} for _ in range(62)),
]


@dataclass(frozen=True)
class OddGuest:
    machine: Machine
    host: Host

    def trials(self, *options: str, prefix: str = "", times: int = 1) -> Iterator[dict[str, Any]]:
        """The documents of trials; ``prefix`` is a shell command before each."""
        for _ in range(times):
            words = " ".join((PROGRAM, "--settle-ms=0", *options))
            done = self.host.run(script(f"{prefix}\n{words}", accept=(0, 1, 3, 4), time_limit=300))
            yield json.loads(done.stdout)

    def trial(self, *options: str, prefix: str = "") -> dict[str, Any]:
        return next(self.trials(*options, prefix=prefix))


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    build = tmp_path_factory.mktemp("migbench")
    command = ["make", "-C", SOURCE, f"BUILD={build}", "static"]
    subprocess.run(command, check=True, capture_output=True, env={**os.environ, "MAKEFLAGS": ""})
    return build / "migbench-static"


def booted(nodes: list[dict[str, Any]], program: Path, logs: Path) -> Iterator[OddGuest]:
    options = {"nodes": nodes, "clock": "wall", "acceleration": "tcg"}
    with qemu_provider(options).machine(logs) as machine:
        host = machine.boot(STOCK)
        host.put(program, PROGRAM, 0o755)
        yield OddGuest(machine, host)


@pytest.fixture(scope="module")
def one_cpu(program: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[OddGuest]:
    yield from booted(ONE_CPU, program, tmp_path_factory.mktemp("one-cpu"))


@pytest.fixture(scope="module")
def sixty_four(program: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[OddGuest]:
    """A node with CPU and memory, one with a CPU only, 62 with memory only."""
    yield from booted(SIXTY_FOUR, program, tmp_path_factory.mktemp("sixty-four"))


def test_64_nodes_come_out_as_in_the_file(sixty_four: OddGuest) -> None:
    found = facts.gather(sixty_four.host)
    assert sixty_four.machine.differences(found) == []
    assert len(found.nodes) == 64
    assert [(node.cpus, bool(node.memory)) for node in found.nodes[:3]] == [
        ("0", True),
        ("1", False),
        ("", True),
    ]


@pytest.mark.parametrize(
    ("options", "status", "reason"),
    [
        (("--target-node=63",), "ok", ""),
        (("--source-node=62", "--target-node=63"), "ok", ""),
        (("--source-node=2", "--target-node=0", "--cpu-node=target"), "ok", ""),
        (("--target-node=63", "--cpu-node=target"), "unsupported", "node 63 has no CPU to run on"),
        (("--target-node=1",), "unsupported", "target node 1: no such node, or it has no memory"),
    ],
)
def test_trials_on_64_nodes(sixty_four: OddGuest, options: tuple[str, ...], status: str, reason: str) -> None:
    document = sixty_four.trial(*options)
    assert (document["status"], document["reason"]) == (status, reason)
    if status == "ok":
        assert document["verification"]["pages_per_node"] == {
            options[-1 if len(options) == 1 else 1][14:]: 16
        }


def test_one_cpu(one_cpu: OddGuest) -> None:
    assert one_cpu.machine.differences(facts.gather(one_cpu.host)) == []
    for mode in (*MIGRATIONS, "twoway", "copy"):
        document = one_cpu.trial(f"--mode={mode}", "--threads=2")
        assert (document["status"], document["reason"]) == ("ok", "")
        assert document["environment"]["caller_cpu"] == 0
    assert one_cpu.trial("--victim")["reason"] == "no free CPU for the latency probe or the victim"


def test_a_refused_call_has_no_rates(one_cpu: OddGuest) -> None:
    """In a cpuset that has only the source node, as in a container with ``--cpuset-mems``."""
    group = "/tmp/cgroup/one-node"
    one_cpu.host.run(
        script(
            "mkdir -p /tmp/cgroup && mount -t cgroup2 none /tmp/cgroup"
            f" && echo +cpuset > /tmp/cgroup/cgroup.subtree_control && mkdir {group} && echo 0 > {group}/cpuset.mems"
        )
    )
    for mode in MIGRATIONS:
        document = one_cpu.trial(f"--mode={mode}", prefix=f"echo $$ > {group}/cgroup.procs")
        assert document["status"] == "failed"
        assert document["reason"].startswith(("move_pages: ", "mbind: ", "migrate_pages: "))
        rates = ("throughput_gib_per_s", "call_latency_us", "bytes_moved", "cpu_seconds_per_gib")
        assert not set(rates) & set(document["metrics"]), mode
        assert "status_mismatches" not in document["verification"]
        assert document["verification"]["pages_on_target"] == 0


def test_numa_balancing_is_not_the_kernel_that_failed(one_cpu: OddGuest) -> None:
    """Its scan starts after 1 s by default; here at once, so that few pages do."""
    knobs = "/sys/kernel/debug/sched/numa_balancing"
    one_cpu.host.run(
        script(
            f"[ -e {knobs} ] || mount -t debugfs none /sys/kernel/debug; echo 1 > /proc/sys/kernel/numa_balancing"
            f" && for knob in scan_delay_ms scan_period_min_ms scan_period_max_ms; do echo 1 > {knobs}/$knob; done"
        )
    )
    documents = list(one_cpu.trials("--pages=4096", "--warmup-pages=0", times=6))
    disturbed = [document for document in documents if document["status"] == "disturbed"]
    assert disturbed, "NUMA balancing moved nothing"
    assert {document["status"] for document in documents} <= {"ok", "disturbed"}
    assert all(document["reason"].endswith("tuning.numa_balancing: false") for document in disturbed)
    assert all("NUMA balancing is on" in document["reason"] for document in disturbed)
    assert not any(document.get("verification", {}).get("status_mismatches") for document in documents)
    one_cpu.host.run(Command(("sh", "-c", "echo 0 > /proc/sys/kernel/numa_balancing")))
    assert {document["status"] for document in one_cpu.trials("--pages=4096", times=3)} == {"ok"}
