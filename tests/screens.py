"""A command on a pseudo-terminal, and what its user sees there: as much of ECMA-48 as lines of progress need."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import termios
import time
from collections.abc import Callable
from pathlib import Path

from tests.running import COMMAND, PATIENCE_S, User

_SEQUENCE = re.compile(r"\x1b\[([0-9;?]*)([A-Za-z])|([\r\n])|([^\x1b\r\n]+)|\x1b")


class Screen:
    """Takes the output of a terminal; ``lines`` are all lines so far, those that have scrolled away included."""

    def __init__(self, columns: int) -> None:
        self.lines = [""]
        self._columns = columns
        self._row = self._column = 0

    def feed(self, text: str) -> None:
        """Take output."""
        for found in _SEQUENCE.finditer(text):
            numbers, letter, end, words = found.groups()
            if words:
                for character in words:
                    self._put(character)
            elif end == "\r":
                self._column = 0
            elif end == "\n":
                self._down()
            elif letter == "A":
                self._row -= int(numbers or 1)
                assert self._row >= 0, "above the first line"
            elif letter == "K":
                line = self.lines[self._row]
                self.lines[self._row] = "" if numbers == "2" else line[: self._column]
            else:
                assert letter in ("m", "h", "l"), f"unknown sequence {found[0]!r}"

    def _down(self) -> None:
        self._row += 1
        if self._row == len(self.lines):
            self.lines.append("")

    def _put(self, character: str) -> None:
        if self._column == self._columns:
            self._down()
            self._column = 0
        line = self.lines[self._row].ljust(self._column)
        self.lines[self._row] = line[: self._column] + character + line[self._column + 1 :]
        self._column += 1


class OnTerminal:
    """A command whose standard output and error are a terminal of this size."""

    def __init__(
        self, user: User, *words: str | Path, rows: int = 24, columns: int = 100, **environment: str
    ) -> None:
        self._ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        names = ("NO_COLOR", "COLUMNS", "LINES")
        inherited = {name: value for name, value in os.environ.items() if name not in names}
        self.process = subprocess.Popen(
            [*user.prefix, str(COMMAND), *map(str, words)],
            cwd=user.folder,
            env={**inherited, **user.environment, "TERM": "xterm", **environment},
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
        )
        os.close(theirs)
        self.raw = ""
        self.screen = Screen(columns)
        self._rows = rows

    @property
    def visible(self) -> list[str]:
        """The lines that are on the terminal now."""
        above = [""] * (self._rows - len(self.screen.lines))
        return above + [line.rstrip() for line in self.screen.lines[-self._rows :]]

    def type(self, keys: bytes) -> None:
        """Press keys, such as Ctrl-C."""
        os.write(self._ours, keys)

    def wait_for(self, condition: Callable[[], object]) -> None:
        """Show output until a condition holds; fails if the command ends before."""
        deadline = time.monotonic() + PATIENCE_S
        while not condition():
            assert time.monotonic() < deadline, self.visible
            assert self._show() or condition(), self.screen.lines

    def end(self) -> int:
        """Show the output to its end; return the exit code."""
        while self._show():
            pass
        os.close(self._ours)
        return self.process.wait(PATIENCE_S)

    def _show(self) -> bool:
        """Show some output; False if there will be none."""
        if not select.select([self._ours], [], [], 1)[0]:
            return True
        try:
            data = os.read(self._ours, 65536).decode(errors="replace")
        except OSError:  # the last process has closed the terminal
            return False
        self.raw += data
        self.screen.feed(data)
        return bool(data)
