"""Where the keys of an experiment file are, for entries."""

from __future__ import annotations

from pathlib import Path

from orchestrator.documents.document import read_file
from orchestrator.errors import Position


class Places:
    """Positions in an experiment file. What the file does not have, a default or ``--set``, is at what is around it."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._node = read_file(file)

    def of(self, *path: str | int) -> str:
        """Return ``file:line`` of a key; the file for one of a section that it does not have."""
        if self._node.get(path[0]) is None:
            return str(self._file)
        return shown(self._node.key_position(*path))


def shown(position: Position) -> str:
    """Return a position as ``file:line``."""
    return f"{position.file}:{position.line}" if position.line else position.file
