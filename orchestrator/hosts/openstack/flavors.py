"""Flavors of a site as machine types."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from msgspec.structs import replace

from orchestrator.errors import BadInput
from orchestrator.experiment.model import Needs
from orchestrator.hosts.rented.machine_types import MachineType

MIB = 1 << 20


def machine_type_of(flavor: Any) -> MachineType:
    """Return a flavor as a machine type.

    A virtual machine has one NUMA node unless the flavor asks for more (``hw:numa_nodes``). What a bare-metal flavor
    says about CPUs and memory is a hint, and its NUMA nodes are unknown
    (https://docs.openstack.org/ironic/latest/install/configure-nova-flavors.html).
    """
    specs = flavor.extra_specs or {}
    traits = [
        key.partition(":")[2]
        for key, value in specs.items()
        if key.startswith("trait:") and value == "required"
    ]
    arm = any("AARCH64" in trait for trait in traits) or "aarch64" in (
        specs.get("hw:cpu_arch"),
        specs.get("capabilities:cpu_arch"),
    )
    metal = is_bare_metal(flavor)
    hint = not metal or flavor.vcpus > 1
    return MachineType(
        flavor.name,
        architecture="aarch64" if arm else "x86_64",
        cpus=flavor.vcpus if hint else 0,
        memory=flavor.ram * MIB if hint else 0,
        nodes=0 if metal else _number(specs.get("hw:numa_nodes", 1)),
        accelerators=tuple(traits),
    )


def _number(text: object) -> int:
    """Return a number of NUMA nodes; 0, unknown, for anything else: an administrator of the site wrote it."""
    found = re.fullmatch("[0-9]{1,4}", str(text))
    return int(found[0]) if found else 0


def is_bare_metal(flavor: Any) -> bool:
    """Whether machines of a flavor are nodes of Ironic: it asks for one of a custom resource class."""
    specs = flavor.extra_specs or {}
    return any(key.startswith("resources:CUSTOM_") and str(value) == "1" for key, value in specs.items())


def suitable(
    flavors: Sequence[Any], wanted: Sequence[str], needs: Needs, known: Mapping[str, MachineType]
) -> list[MachineType]:
    """Return the flavors that may meet the needs: those of the file in its order, else all of the site.

    Of all, bare metal comes first, then the smallest. ``BadInput`` if the site lacks one of the file.

    :param known: facts by name, which complete those of the site.
    """
    types = {one.name: _completed(machine_type_of(one), known) for one in flavors}
    for name in wanted:
        if name not in types:
            raise BadInput(
                f"hosts.openstack.flavors: {name}: no such flavor; the site has {', '.join(sorted(types)) or 'none'}"
            )
    if wanted:
        return large_enough([types[name] for name in wanted], needs)
    metal = {one.name for one in flavors if is_bare_metal(one)}
    found = [one for one in types.values() if one.may_meet(needs) and one.architecture == "x86_64"]
    return sorted(found, key=lambda one: (one.name not in metal, not one.nodes, one.cpus, one.memory))


def large_enough(named: Sequence[MachineType], needs: Needs) -> list[MachineType]:
    """Return the types of the file that may meet the needs; ``BadInput`` if there is none."""
    found = [one for one in named if one.may_meet(needs)]
    if named and not found:
        names = ", ".join(one.name for one in named)
        raise BadInput(f"hosts.openstack: {names}: too small for hosts.needs; name larger ones")
    return found


def _completed(one: MachineType, known: Mapping[str, MachineType]) -> MachineType:
    facts = known.get(one.name)
    if facts is None or one.nodes:
        return one
    return replace(one, cpus=facts.cpus, memory=facts.memory, nodes=facts.nodes)
