"""Read the section ``noise``: limits on other activity on a host during a trial."""

from __future__ import annotations

import re

from orchestrator.documents.draft import Draft
from orchestrator.experiment.model import KernelMessages, Noise
from orchestrator.experiment.sections import read_quantity
from orchestrator.units import parse_frequency, parse_share, parse_size

LEVELS = ("emerg", "alert", "crit", "err", "warning", "notice", "info")
"""The log levels of dmesg(1), from 0."""


def noise(draft: Draft) -> Noise | None:
    """Read ``noise``; None if it is ``false``."""
    if draft.value("noise") is False:
        return None
    defaults = Noise()
    steal: float | None = None
    if draft.value("noise", "steal") is not False:
        steal = read_quantity(draft, parse_share, defaults.steal, "noise", "steal")
    return Noise(
        retries=draft.value("noise", "retries", default=defaults.retries),
        steal=steal,
        throttling=draft.value("noise", "throttling", default=defaults.throttling),
        kernel_log=_kernel_log(draft),
        load=draft.value("noise", "load"),
        frequency=read_quantity(draft, parse_frequency, None, "noise", "frequency"),
        memory_per_node=read_quantity(draft, parse_size, None, "noise", "memory_per_node"),
        free_huge_pages_per_node=draft.value("noise", "free_huge_pages_per_node"),
        logins=draft.value("noise", "logins"),
    )


def _kernel_log(draft: Draft) -> KernelMessages | None:
    if draft.value("noise", "kernel_log") is False:
        return None
    level = draft.value("noise", "kernel_log", "level", default="err")
    patterns = []
    for _, node in draft.items("noise", "kernel_log", "ignore"):
        try:
            re.compile(node.text)
        except re.error as error:
            draft.add_fault(node.position, f"invalid regular expression {node.text!r}: {error}")
        patterns.append(node.text)
    return KernelMessages(LEVELS.index(level), tuple(patterns))
