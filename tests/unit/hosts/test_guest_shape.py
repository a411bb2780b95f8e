"""The nodes of a booted guest beside those of the file."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from orchestrator.hosts import facts
from orchestrator.hosts.guest.layout import Layout, parse_layout
from orchestrator.hosts.guest.shape import differences

NODE = "file./sys/devices/system/node/node"
HEAD = "uname.release=6.1\nboot=b\n"
GUEST = facts.parse(
    HEAD
    + f"""\
node.0.MemTotal=999360
node.1.MemTotal=772552
node.2.MemTotal=514880
{NODE}0/cpulist=0
{NODE}1/cpulist=1
{NODE}2/cpulist=
{NODE}0/distance=10 20 40
{NODE}1/distance=20 10 50
{NODE}2/distance=40 50 10
"""
)
"""What Linux 6.1 said in a guest of 1 GiB, 768 MiB and, without a CPU, 512 MiB."""

NODES = [{"cpus": 1, "memory": "1GiB"}, {"cpus": 1, "memory": "768MiB"}, {"cpus": 0, "memory": "512MiB"}]
DISTANCES = [[10, 20, 40], [20, 10, 50], [40, 50, 10]]


def layout(**changes: object) -> Layout:
    return parse_layout({"nodes": NODES, "distances": DISTANCES, **changes})


def test_a_guest_as_in_the_file() -> None:
    assert differences(layout(), GUEST) == []
    assert differences(layout(distances=[]), GUEST) == []


@pytest.mark.parametrize(
    ("changes", "messages"),
    [
        (
            {"nodes": [NODES[1], NODES[0], NODES[2]]},
            ["the guest's NUMA node 0 has 999360KiB; hosts.qemu.nodes[0] has 768MiB"],
        ),
        (
            {"nodes": [NODES[0], {"cpus": 2, "memory": "768MiB"}, NODES[2]]},
            ["the guest's NUMA node 1 has CPUs 1; hosts.qemu.nodes[1] has 1-2"],
        ),
        (
            {"nodes": [NODES[0], NODES[1], {"cpus": 1, "memory": 0}]},
            [
                "the guest's NUMA node 2 has CPUs none; hosts.qemu.nodes[2] has 2",
                "the guest's NUMA node 2 has 514880KiB; hosts.qemu.nodes[2] has 0B",
            ],
        ),
        (
            {"distances": [[10, 21, 40], [20, 10, 50], [40, 50, 10]]},
            ["the guest's NUMA node 0 has distances 10 20 40; hosts.qemu.nodes[0] has 10 21 40"],
        ),
        (
            {"nodes": NODES[:2], "distances": []},
            ["the guest's NUMA nodes are 0-2; hosts.qemu.nodes has 0-1"],
        ),
    ],
)
def test_differences(changes: dict[str, object], messages: list[str]) -> None:
    assert differences(layout(**changes), GUEST) == messages


def test_the_file_asks_for_other_nodes_with_kernel_parameters() -> None:
    fake = replace(GUEST, command_line="quiet numa=fake=3 panic=-1")
    assert differences(layout(nodes=NODES[:2], distances=[]), fake) == []


def test_a_default_layout_is_not_compared() -> None:
    assert differences(Layout(), facts.parse(HEAD)) == []
