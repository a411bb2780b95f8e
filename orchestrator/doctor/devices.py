"""What helps to copy and to count: DMA engines, performance counters."""

from __future__ import annotations

import re
from collections.abc import Iterator

from orchestrator.doctor import fixes
from orchestrator.doctor.finding import Finding
from orchestrator.doctor.state import HostState
from orchestrator.hosts.facts_model import Facts
from orchestrator.units import plural

UNPRIVILEGED = 2
"""The highest ``perf_event_paranoid`` with which a user counts events of own processes; Debian has 3."""
_LEVEL = re.compile("-?[0-9]{1,9}")


def findings(host: str, facts: Facts, state: HostState) -> Iterator[Finding]:
    """Yield a finding for each subject."""
    yield _dma(host, state)
    yield _perf(host, facts, state)


def _dma(host: str, state: HostState) -> Finding:
    if not state.dma_channels:
        return Finding(
            host,
            "DMA engines",
            "missing",
            "no channel in /sys/class/dma: the mode dma cannot run on this kernel",
        )
    drivers = f" ({', '.join(state.dma_drivers)})" if state.dma_drivers else ""
    numbers = f"{plural(state.dma_channels, 'channel')}{drivers}, {state.free_channels} free"
    return Finding(host, "DMA engines", "ok" if state.free_channels else "warning", numbers)


def _perf(host: str, facts: Facts, state: HostState) -> Finding:
    if not state.perf:
        return Finding(host, "perf", "missing", "the kernel has no performance events (CONFIG_PERF_EVENTS)")
    if not state.counters:
        return Finding(
            host, "perf", "warning", "software events only: there are no hardware counters, as in many guests"
        )
    level = facts.sysctls.get("kernel.perf_event_paranoid", "")
    counters = f"counters {', '.join(state.counters)}; perf_event_paranoid is {level or 'unknown'}"
    if facts.user_id == 0 or not _LEVEL.fullmatch(level) or int(level) <= UNPRIVILEGED:
        return Finding(host, "perf", "ok", counters)
    command = fixes.as_root("sysctl kernel.perf_event_paranoid=2", is_root=False)
    return Finding(host, "perf", "warning", f"{counters}: only root may count", command)
