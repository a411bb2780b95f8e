"""``power: {qemu_monitor: SOCKET}``: ``system_reset`` by QEMU's monitor (``-monitor unix:SOCKET,server``)."""

from __future__ import annotations

import socket
import time
from pathlib import Path
from typing import Any

from orchestrator.documents.document import describe_value
from orchestrator.errors import HostError
from orchestrator.hosts.power import Power

LIMIT_S = 10.0
_PROMPT = b"(qemu)"


class QemuMonitor(Power):
    """The UNIX socket of a human monitor (HMP)."""

    name = "qemu_monitor"

    def __init__(self, value: Any) -> None:
        if not isinstance(value, str) or not value:
            raise ValueError(f"expected the path of a UNIX socket, found {describe_value(value)}")
        self._path = Path(value).expanduser()

    def cycle(self) -> None:
        """Reset the guest."""
        try:
            with socket.socket(socket.AF_UNIX) as monitor:
                monitor.settimeout(LIMIT_S)
                monitor.connect(str(self._path))
                _read_until_prompt(monitor)
                monitor.sendall(b"system_reset\n")
                _read_until_prompt(monitor)
        except OSError as error:
            raise HostError(f"QEMU monitor {self._path}: {error.strerror or error}") from error


def _read_until_prompt(monitor: socket.socket) -> None:
    deadline, output = time.monotonic() + LIMIT_S, b""
    while not output.rstrip().endswith(_PROMPT):
        piece = monitor.recv(4096)
        if not piece or time.monotonic() > deadline:
            raise OSError("no monitor prompt")
        output += piece
