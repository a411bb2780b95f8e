"""All faults, by name."""

from __future__ import annotations

from tests.chaos.faults import (
    clock,
    controller,
    disks,
    guests,
    host,
    journals,
    mixed,
    network,
    programs,
    rivals,
)
from tests.chaos.faults.fault import Fault

MODULES = (controller, network, host, disks, programs, clock, rivals, journals, mixed)
FAULTS: tuple[Fault, ...] = tuple(fault for module in MODULES for fault in module.FAULTS)
GUEST_FAULTS: tuple[Fault, ...] = guests.FAULTS
"""Those of guests: a run takes a minute under emulation."""
