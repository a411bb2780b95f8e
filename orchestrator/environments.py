"""Environments of measurements, and the meaning of figures in each: which are times, and which may be compared."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Literal

Clock = Literal["wall", "instructions"]
"""What the clock of a host counts: time, or executed instructions."""

Meaning = Literal["times", "work", "nothing"]
"""Durations of an environment are times of a machine, counted work of code paths, or have no meaning."""


class Environment(StrEnum):
    """Where a figure was measured. Printed with every figure; figures of two environments are never mixed silently."""

    METAL = "metal"
    CLOUD_METAL = "cloud-metal"
    VM_KVM = "vm-kvm"
    VM_ICOUNT = "vm-icount"
    VM_TCG = "vm-tcg"
    VM_OTHER = "vm-other"


_MEANINGS: Mapping[str, Meaning] = MappingProxyType(
    {
        Environment.METAL: "times",
        Environment.CLOUD_METAL: "times",
        Environment.VM_KVM: "times",
        Environment.VM_ICOUNT: "work",
        Environment.VM_TCG: "nothing",
        Environment.VM_OTHER: "times",
    }
)
_DESCRIPTIONS: Mapping[str, str] = MappingProxyType(
    {
        Environment.METAL: "a real machine; times and parallelism are real.",
        Environment.CLOUD_METAL: "a rented real machine; times and parallelism are real, "
        "another instance of the same type may differ.",
        Environment.VM_KVM: "a guest with hardware virtualisation; times and parallelism are real, "
        "the distances of its NUMA nodes depend on the host.",
        Environment.VM_ICOUNT: "an emulated guest whose clock counts executed instructions, 1 ns each; figures compare "
        "the work of code paths, they are not times and cannot show a gain from parallelism.",
        Environment.VM_TCG: "an emulated guest on wall time; it shows that code works, "
        "its times and speed-ups have no meaning.",
        Environment.VM_OTHER: "a guest of another hypervisor; times depend on that hypervisor, "
        "its NUMA nodes may differ from those of the machine.",
    }
)
_UNKNOWN = "not known to this version; do not compare its figures with others."


def describe(environment: str) -> str:
    """Return one sentence on the meaning of figures of an environment; docs/results.md has the facts behind it."""
    return _DESCRIPTIONS.get(environment, _UNKNOWN)


def clock_of(environment: str) -> Clock:
    """Return what the clock of an environment counts."""
    return "instructions" if environment == Environment.VM_ICOUNT else "wall"


def meaning(environment: str) -> Meaning:
    """Return the meaning of durations of an environment; "nothing" for one that this version does not know."""
    return _MEANINGS.get(environment, "nothing")
