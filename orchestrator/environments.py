"""Where a figure was made, and what that means for it: which figures are times, and which may be compared."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Literal

Meaning = Literal["times", "work", "nothing"]
"""What durations of an environment are: times of a machine, counted work of code paths, or no measure at all."""


class Environment(StrEnum):
    """Where a figure was made. Printed beside every figure; figures of two environments are never mixed silently."""

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
        Environment.METAL: "a real machine; time and parallelism are real.",
        Environment.CLOUD_METAL: "a real machine rented from a cloud; time and parallelism are real, "
        "another instance of the same type may differ.",
        Environment.VM_KVM: "a guest on hardware virtualisation; time and parallelism are real, "
        "the distance of its NUMA nodes is what the host gives them.",
        Environment.VM_ICOUNT: "an emulated guest whose clock counts executed instructions, 1 ns each; figures "
        "compare the work of code paths, they are not times of any machine and cannot show a gain from parallelism.",
        Environment.VM_TCG: "an emulated guest on wall time; it shows that code works and how threads interleave, "
        "its times and speed-ups mean nothing.",
        Environment.VM_OTHER: "a guest of a hypervisor that is not ours; time is real as far as the hypervisor "
        "gives it, its NUMA nodes may not be those of the machine.",
    }
)
_UNKNOWN = "unknown to this version; compare its figures with no others."


def describe(environment: str) -> str:
    """Return one sentence on what a figure of this environment means; docs/results.md has the facts behind it."""
    return _DESCRIPTIONS.get(environment, _UNKNOWN)


def meaning(environment: str) -> Meaning:
    """Return what durations of an environment are; of one that this version does not know: nothing."""
    return _MEANINGS.get(environment, "nothing")
