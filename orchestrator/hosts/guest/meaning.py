"""One plain sentence on what the numbers of each environment mean, for whatever shows them."""

from __future__ import annotations

from collections.abc import Mapping

from orchestrator.hosts.base import Environment

MEANINGS: Mapping[Environment, str] = {
    Environment.METAL: "A real machine: times are real.",
    Environment.CLOUD_METAL: "A whole rented machine without a hypervisor: times are real.",
    Environment.VM_KVM: (
        "A guest under KVM: real time and real parallelism, on memory whose place the host decides."
    ),
    Environment.VM_ICOUNT: (
        "A guest whose clock counts executed instructions, 1 ns each: times are work done, repeatable to within a "
        "percent, on CPUs that take turns; they show what a path costs, not what caches, memory or parallelism give."
    ),
    Environment.VM_TCG: (
        "A guest in software emulation on the host's clock: functions and concurrency are real, times mean nothing."
    ),
    Environment.VM_OTHER: (
        "A virtual machine of someone else's: times are real but share the hardware with unknown neighbours."
    ),
}
