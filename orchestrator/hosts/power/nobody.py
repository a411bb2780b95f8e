"""``power: nobody``: no one presses the button; the kernel's own ``panic=`` and a watchdog must do."""

from __future__ import annotations

import logging
from typing import Any, ClassVar

from orchestrator.hosts.power import Power

log = logging.getLogger(__name__)


class Nobody(Power):
    """No way at all, said knowingly."""

    name = "nobody"
    watchdog: ClassVar[bool] = True

    def __init__(self, value: Any) -> None:
        if value is not None:
            raise ValueError("takes no value")

    def cycle(self) -> None:
        """Leave it to the watchdog."""
        log.warning("nobody can (power: nobody); it is left to its watchdog, or to who goes there")
