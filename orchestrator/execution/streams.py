"""What a trial printed, as far as it was kept."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from orchestrator.terminal import without_escapes

QUOTED = 200
"""Characters of a line that a message quotes."""


class Stream(Struct, frozen=True):
    """The end of an output stream of a trial. LF, CR LF and CR end a line; all are LF here.

    Escape sequences of terminals and a byte order mark are left out: some programs write them to files, too.

    :ivar is_cut: the beginning was not kept.
    """

    name: Literal["stdout", "stderr"]
    text: str
    is_cut: bool = False

    @property
    def start(self) -> int:
        """Index of the first line that is known to be whole."""
        if not self.is_cut:
            return 0
        return self.text.find("\n") + 1 or len(self.text)

    @property
    def last_line(self) -> str:
        """The last line that is not blank, shortened for a message."""
        line = self.text.strip().rpartition("\n")[2].strip()
        return line if len(line) <= QUOTED else line[:QUOTED] + "…"


def stream(name: Literal["stdout", "stderr"], text: str, is_cut: bool = False) -> Stream:
    """Return a stream of the text as it was printed."""
    lines = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    return Stream(name, without_escapes(lines), is_cut)
