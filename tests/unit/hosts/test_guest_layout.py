"""The `hosts.qemu` section: what is accepted, and one message for each error."""

from __future__ import annotations

from typing import Any

import pytest
from jsonschema import Draft202012Validator

from orchestrator.errors import BadInput
from orchestrator.experiment.model import Needs
from orchestrator.hosts.guest.layout import OPTIONS_SCHEMA, GuestNode, Layout, parse_layout
from orchestrator.hosts.provider import ProviderRequest
from orchestrator.hosts.providers.qemu import QemuProvider

MIB = 1024**2
TWO = [{"memory": "512MiB"}, {"memory": "512MiB", "cpus": 0}]


def test_the_schema_is_valid() -> None:
    Draft202012Validator.check_schema(OPTIONS_SCHEMA)


def test_the_default_is_two_nodes() -> None:
    assert parse_layout({}) == Layout()
    assert len(Layout().nodes) == 2
    assert Layout().cpus == 4


def test_all_options() -> None:
    options = {
        "nodes": [{"cpus": 1, "memory": "1GiB"}, {"memory": 256 * MIB}],
        "distances": [[10, 31], [32, 10]],
        "clock": "wall",
        "acceleration": "tcg",
        "cpu": "EPYC,-avx2",
        "programs": ["mbw"],
        "append": "slub_debug=-",
    }
    Draft202012Validator(OPTIONS_SCHEMA).validate(options)
    layout = parse_layout(options)
    assert layout.nodes == (GuestNode(1, 1024 * MIB), GuestNode(2, 256 * MIB))
    assert layout.distances == ((10, 31), (32, 10))
    assert (layout.cpus, layout.memory) == (3, 1280 * MIB)
    assert layout.programs == ("mbw",)


@pytest.mark.parametrize(
    "options",
    [
        {"node": []},
        {"nodes": []},
        {"nodes": [{"cpus": 2}]},
        {"nodes": [{"memory": "1GiB", "cpu": 1}]},
        {"nodes": [{"memory": "1GiB", "cpus": -1}]},
        {"clock": "sundial"},
        {"cpu": "max -hda /etc/shadow"},
        {"distances": [[10, 300]]},
    ],
)
def test_the_schema_rejects(options: dict[str, Any]) -> None:
    assert not Draft202012Validator(OPTIONS_SCHEMA).is_valid(options)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"nodes": [{"memory": "1GiBB"}]}, r"nodes\[0\]\.memory: .*did you mean"),
        (
            {"nodes": [{"memory": "1MiB"}, *TWO]},
            r"nodes\[0\]\.memory: 1MiB must be a multiple of 1MiB, at least 64MiB",
        ),
        ({"nodes": [{"memory": "600000kB"}]}, r"must be a multiple of 1MiB"),
        ({"nodes": [{"memory": "1GiB", "cpus": 0}]}, "no node has a CPU"),
        ({"nodes": [{"memory": "128MiB"}]}, "at least 256MiB"),
        ({"nodes": [*TWO[::-1]]}, r"nodes\[0\]: a node without CPUs before a node with CPUs"),
        ({"nodes": [*TWO, *TWO]}, r"nodes\[1\]: a node without CPUs before a node with CPUs"),
        ({"nodes": [*TWO, {"memory": 0, "cpus": 0}]}, r"nodes\[2\]: a node needs CPUs or memory"),
        (
            {"nodes": TWO, "distances": [[10, 20]]},
            "expected 2 rows of 2 numbers, one for each node; found 1 row",
        ),
        ({"nodes": TWO, "distances": [[10, 20], [20, 11]]}, r"distances\[1\]\[1\]: expected 10 .*found 11"),
        ({"nodes": TWO, "distances": [[10, 10], [20, 10]]}, r"distances\[0\]\[1\]: expected more than 10"),
        ({"clock": "instructions", "acceleration": "kvm"}, "cannot be combined with acceleration: kvm"),
    ],
)
def test_errors_beyond_the_schema(options: dict[str, Any], message: str) -> None:
    Draft202012Validator(OPTIONS_SCHEMA).validate(options)
    with pytest.raises(BadInput, match=message):
        parse_layout(options)


def test_a_node_of_cpus_only() -> None:
    layout = parse_layout({"nodes": [{"cpus": 1, "memory": 0}, *TWO]})
    assert layout.nodes[0] == GuestNode(1, 0)


@pytest.mark.parametrize(("number", "exists"), [(0, True), (1, True), (2, False), (7, False)])
def test_node_numbers_of_the_file(number: int, exists: bool) -> None:
    request = ProviderRequest(Needs(nodes=(number,)), {"nodes": [*TWO[:1], *TWO[:1], {"memory": 0}]})
    if exists:
        QemuProvider(request)
    else:
        with pytest.raises(BadInput, match=f"no node {number} with memory, but the file uses node {number}"):
            QemuProvider(request)


def test_all_errors_at_once() -> None:
    with pytest.raises(BadInput) as caught:
        parse_layout({"nodes": [{"memory": "1", "cpus": 0}, {"memory": "2", "cpus": 0}]})
    assert [fault.partition(":")[0] for fault in caught.value.faults] == [
        "hosts.qemu.nodes[0].memory", "hosts.qemu.nodes[1].memory", "hosts.qemu.nodes"
    ]  # fmt: skip


def test_needs_that_the_layout_does_not_meet() -> None:
    with pytest.raises(BadInput, match=r"2 nodes, but hosts\.needs\.numa_nodes is 4(?s:.*)nodes\[1\]"):
        QemuProvider(ProviderRequest(Needs(numa_nodes=4, memory_per_node=2**31), {}))
