"""The section ``noise``: what may go on on a host beside a trial."""

from __future__ import annotations

import re

from orchestrator.documents.draft import Draft
from orchestrator.experiment.model import KernelMessages, Noise
from orchestrator.experiment.sections import quantity
from orchestrator.units import parse_frequency, parse_share, parse_size

LEVELS = ("emerg", "alert", "crit", "err", "warning", "notice", "info")
"""As dmesg(1) names them, from 0 on."""


def noise(draft: Draft) -> Noise | None:
    """Read ``noise``; None where the file says ``false``."""
    if draft.value("noise") is False:
        return None
    standard = Noise()
    steal: float | None = None
    if draft.value("noise", "steal") is not False:
        steal = quantity(draft, parse_share, standard.steal, "noise", "steal")
    return Noise(
        retries=draft.value("noise", "retries", default=standard.retries),
        steal=steal,
        throttling=draft.value("noise", "throttling", default=standard.throttling),
        kernel_log=_kernel_log(draft),
        load=draft.value("noise", "load"),
        frequency=quantity(draft, parse_frequency, None, "noise", "frequency"),
        memory_per_node=quantity(draft, parse_size, None, "noise", "memory_per_node"),
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
            draft.fault(node.position, f"{node.text!r} is not a pattern: {error}")
        patterns.append(node.text)
    return KernelMessages(LEVELS.index(level), tuple(patterns))
