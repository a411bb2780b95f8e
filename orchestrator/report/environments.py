"""One plain sentence on what a number from each environment means; keys are the texts of ``hosts.base.Environment``.

Not kept there: a report is made long after the hosts are gone, and imports nothing of them. For the facts behind the
sentences on guests see docs/results.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

SENTENCES: Mapping[str, str] = MappingProxyType(
    {
        "metal": "a real machine; time and parallelism are real.",
        "cloud-metal": "a real machine rented from a cloud; time and parallelism are real, "
        "the next one of the same type may differ.",
        "vm-kvm": "a guest on hardware virtualisation; time and parallelism are real, "
        "its NUMA nodes are only as far apart as the host places them.",
        "vm-icount": "an emulated guest whose clock counts executed instructions, 1 ns each; figures compare the "
        "work of code paths, they are not times of any machine and cannot show a gain from parallelism.",
        "vm-tcg": "an emulated guest on wall time; it shows that things work and how they interleave, "
        "no time or speed-up from it means anything.",
        "vm-other": "a guest of a hypervisor that is not ours; time is real as far as the hypervisor gives it, "
        "its NUMA nodes may not be those of the machine.",
    }
)
UNKNOWN = "not known to this version; compare its figures with nothing else."


def sentence(environment: str) -> str:
    """Return what a number from this environment means."""
    return SENTENCES.get(environment, UNKNOWN)
