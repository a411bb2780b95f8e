"""``power: nobody``: no one presses the button; the kernel's own ``panic=`` and a watchdog must do."""

from __future__ import annotations

from typing import Any

from orchestrator.errors import HostError
from orchestrator.hosts.power import Power


class Nobody(Power):
    """No way at all, said knowingly."""

    name = "nobody"

    def __init__(self, value: Any) -> None:
        if value is not None:
            raise ValueError("takes no value")

    def cycle(self) -> None:
        """Say that somebody has to go there."""
        raise HostError("nobody can (power: nobody); press it by hand")
