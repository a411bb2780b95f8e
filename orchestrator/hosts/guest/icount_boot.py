"""Boot of a guest on the instruction clock: switch between its CPUs.

QEMU before 8.1 gives the first runnable CPU all instructions until the next timer; the others run only when that CPU
executes `pause` or halts. During the bring-up of a CPU only the first one has timers, and a kernel before 6.5 waits
there in a loop without `pause`: the second CPU would never run. Stopping and continuing the machine interrupts the
first CPU, and the next one runs. This is done only until the guest is up: later it would make the order of CPUs
depend on the controller.
"""

from __future__ import annotations

import contextlib
import socket
import time
from pathlib import Path
from types import TracebackType

PERIOD_S = 0.05


class IcountBoot:
    """A connection to QEMU's monitor during a boot. Call ``switch_cpu`` repeatedly.

    Does nothing without a monitor: CPUs that do not share a clock run in parallel.
    """

    def __init__(self, monitor: Path | None) -> None:
        self._monitor = monitor
        self._socket: socket.socket | None = None
        self._last = 0.0

    def switch_cpu(self) -> None:
        """Let the next CPU run, at most once per :data:`PERIOD_S`. Does nothing while QEMU cannot be reached."""
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
