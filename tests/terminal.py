"""A command in a terminal of its own: what a user sees and types."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import select
import struct
import subprocess
import termios
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

PATIENCE_S = 300.0
"""Guards against hanging; nothing is tested against it."""


class Terminal:
    """A pseudo-terminal with a command in front.

    :ivar printed: everything that has been printed.
    """

    def __init__(self, argv: Sequence[str | Path], folder: Path) -> None:
        self._master, slave = pty.openpty()
        self.resize(24, 80)
        self.process = subprocess.Popen(
            [str(word) for word in argv],
            cwd=folder,
            env={**os.environ, "TERM": "xterm"},
            stdin=slave,
            stdout=slave,
            stderr=slave,
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
        )
        os.close(slave)
        self._is_open = True
        self._seen = 0
        self.printed = b""

    def type(self, keys: str) -> None:
        os.write(self._master, keys.encode())

    def resize(self, rows: int, columns: int) -> None:
        fcntl.ioctl(self._master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def wait_for(self, text: str) -> None:
        """Until a text is printed after the one that was waited for before."""
        deadline = time.monotonic() + PATIENCE_S
        while (at := self.printed.find(text.encode(), self._seen)) < 0:
            assert time.monotonic() < deadline, self.printed
            assert self._read(), (text, self.printed)
        self._seen = at + len(text.encode())

    def _read(self) -> bool:
        """Read what is there, or wait a while; False once nobody can print any more."""
        if not select.select([self._master], [], [], 1.0)[0]:
            return self.process.poll() is None
        try:
            data = os.read(self._master, 65536)
        except OSError:  # the last program has closed the terminal
            return False
        self.printed += data
        return bool(data)

    def close(self) -> None:
        """Close the window."""
        if self._is_open:
            self._is_open = False
            os.close(self._master)

    def end(self) -> int:
        """Wait for the command and return its exit code."""
        while self._is_open and self._read():
            pass
        return self.process.wait(PATIENCE_S)


@contextmanager
def terminal(argv: Sequence[str | Path], folder: Path) -> Iterator[Terminal]:
    opened = Terminal(argv, folder)
    try:
        yield opened
    finally:
        opened.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            opened.process.wait(60)
        opened.process.kill()
        opened.process.wait()
