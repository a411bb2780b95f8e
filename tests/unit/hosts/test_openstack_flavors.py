"""Flavors of an OpenStack site as machine types, and which of them meet the needs of an experiment."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from orchestrator.errors import BadInput
from orchestrator.experiment.model import Needs
from orchestrator.hosts.openstack.flavors import machine_type_of, suitable
from orchestrator.hosts.rented.machine_types import MachineType, shipped

GIB = 1 << 30
METAL = {"resources:CUSTOM_METAL": "1", "resources:VCPU": "0"}


def flavor(name: str, vcpus: int, gib: int, **specs: str) -> SimpleNamespace:
    return SimpleNamespace(name=name, vcpus=vcpus, ram=gib * 1024, extra_specs=specs)


@pytest.mark.parametrize(
    ("specs", "nodes", "architecture"),
    [
        ({}, 1, "x86_64"),
        ({"hw:numa_nodes": "4"}, 4, "x86_64"),
        (METAL, 0, "x86_64"),
        ({"trait:HW_ARCH_AARCH64": "required"}, 1, "aarch64"),
        ({"trait:HW_ARCH_AARCH64": "forbidden"}, 1, "x86_64"),
        ({"hw:cpu_arch": "aarch64"}, 1, "aarch64"),
    ],
)
def test_a_flavor_as_machine_type(specs: dict[str, str], nodes: int, architecture: str) -> None:
    found = machine_type_of(flavor("f", 8, 16, **specs))
    assert (found.cpus, found.memory, found.nodes) == (8, 16 * GIB, nodes)
    assert found.architecture == architecture
    assert found.price is None


def test_sizes_of_bare_metal_that_say_nothing_are_unknown() -> None:
    found = machine_type_of(flavor("baremetal", 1, 0, **METAL))
    assert (found.cpus, found.memory, found.nodes) == (0, 0, 0)


SITE = [
    flavor("vm.huge", 128, 512, **{"hw:numa_nodes": "2"}),
    flavor("vm.numa", 16, 64, **{"hw:numa_nodes": "2"}),
    flavor("vm.plain", 16, 64),
    flavor("metal.small", 48, 192, **METAL),
    flavor("metal.known", 96, 384, **METAL),
    flavor("metal.arm", 80, 256, **METAL, **{"trait:HW_ARCH_AARCH64": "required"}),
]
KNOWN = {"metal.known": MachineType("metal.known", "x86_64", 96, 384 * GIB, 2)}


@pytest.mark.parametrize(
    ("needs", "expected"),
    [
        (Needs(numa_nodes=2), ["metal.known", "metal.small", "vm.numa", "vm.huge"]),
        (Needs(numa_nodes=2, memory_per_node=100 * GIB), ["metal.known", "vm.huge"]),
        (Needs(cpus=100), ["vm.huge"]),
        (Needs(cpus=1000), []),
    ],
)
def test_flavors_that_meet_the_needs(needs: Needs, expected: list[str]) -> None:
    assert [one.name for one in suitable(SITE, (), needs, KNOWN)] == expected


def test_the_order_of_the_file_is_kept() -> None:
    found = suitable(SITE, ("vm.huge", "vm.plain", "metal.small"), Needs(numa_nodes=2), KNOWN)
    assert [one.name for one in found] == ["vm.huge", "metal.small"]
    with pytest.raises(BadInput, match=r"vm\.plain: too small for hosts\.needs"):
        suitable(SITE, ("vm.plain",), Needs(numa_nodes=2), KNOWN)
    with pytest.raises(BadInput, match=r"flavors: vm\.none: no such flavor; the site has metal\.arm, "):
        suitable(SITE, ("vm.none",), Needs(), KNOWN)


def test_the_facts_that_ship() -> None:
    types = shipped("openstack")
    assert types["compute_skylake"].nodes == 2
    assert all(one.price is None and one.cpus and one.memory for one in types.values())
