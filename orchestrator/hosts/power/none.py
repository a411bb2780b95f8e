"""``power: none``: no remote power control. Only ``panic=`` of the kernel and a watchdog reboot the machine."""

from __future__ import annotations

import logging
from typing import Any, ClassVar

from orchestrator.hosts.power import Power

log = logging.getLogger(__name__)


class NoPowerControl(Power):
    """A machine that may be booted, without remote power control."""

    name = "none"
    aliases: ClassVar[tuple[str, ...]] = ("nobody",)
    watchdog: ClassVar[bool] = True

    def __init__(self, value: Any) -> None:
        if value is not None:
            raise ValueError("takes no value")

    def cycle(self) -> None:
        """Do nothing: only the machine's watchdog can reset it."""
        log.warning(
            "no power control (power: none); waiting for the watchdog of the machine or a manual reset"
        )
