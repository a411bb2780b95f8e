"""Makes the CPUs of a booting instruction-clock guest take turns.

QEMU before 8.1 hands the whole instruction budget up to the next timer to the first CPU that can run; the others get
what is left when that one pauses or halts. While a CPU is being brought up only the first one has timers, and a kernel
before 6.5 waits there in a loop that does neither: it would never see the second. Stopping and continuing the machine
takes the first CPU out in the middle of its budget, and the rest goes to the next. Only done until the guest is up:
afterwards the order of turns would hang on the controller's time.
"""

from __future__ import annotations

import contextlib
import socket
import time
from pathlib import Path
from types import TracebackType

PERIOD_S = 0.05


class IcountBoot:
    """A connection to QEMU's monitor for the length of a boot; ``switch_cpu`` is to be called again and again.

    Without a monitor it does nothing: CPUs that need not share a clock take their turns by themselves.
    """

    def __init__(self, monitor: Path | None) -> None:
        self._monitor = monitor
        self._socket: socket.socket | None = None
        self._last = 0.0

    def switch_cpu(self) -> None:
        """Let the next CPU run, at most once each :data:`PERIOD_S`; does nothing where QEMU is not there (yet)."""
        now = time.monotonic()
        if self._monitor is None or now - self._last < PERIOD_S:
            return
        self._last = now
        try:
            if self._socket is None:
                self._socket = _connected(self._monitor)
            self._socket.sendall(b"stop\ncont\n")
            with contextlib.suppress(BlockingIOError):
                while self._socket.recv(65536, socket.MSG_DONTWAIT):
                    pass
        except OSError:
            self._close()

    def _close(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def __enter__(self) -> IcountBoot:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._close()


def _connected(path: Path) -> socket.socket:
    monitor = socket.socket(socket.AF_UNIX)
    monitor.settimeout(2.0)
    try:
        monitor.connect(str(path))
    except OSError:
        monitor.close()
        raise
    return monitor
