"""Lines of a command's output as it arrives."""

from __future__ import annotations

from orchestrator.errors import HostError

LONGEST_LINE = 64 * 1024**2
"""Bytes. The longest line that a runner writes has a few MiB: what a trial printed, escaped."""


class LineBuffer:
    """Divides bytes into lines.

    :param name: of the host, for the message.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._rest: list[bytes] = []
        self._size = 0

    def add(self, data: bytes) -> list[str]:
        """Return the lines that are whole now, without their ends; ``HostError`` if one is too long."""
        head, end, tail = data.rpartition(b"\n")
        whole: list[bytes] = []
        if end:
            whole = b"".join([*self._rest, head]).split(b"\n")
            self._rest, self._size = [], 0
        self._rest.append(tail)
        self._size += len(tail)
        if self._size > LONGEST_LINE:
            raise HostError(f"{self._name}: a line of output is longer than {LONGEST_LINE // 1024**2} MiB")
        return [line.decode(errors="replace") for line in whole]

    def end(self) -> list[str]:
        """Return the last line, if it has no end."""
        rest = b"".join(self._rest)
        return [rest.decode(errors="replace")] if rest else []
