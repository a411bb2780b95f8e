"""A find: an input that breaks a property, and the place that shows it."""

from __future__ import annotations

import hashlib
import traceback
from pathlib import Path
from typing import NamedTuple


class Find(NamedTuple):
    """What an input did.

    :ivar what: name of the exception; ``hangs`` or ``dies`` for a process that had to be ended.
    :ivar where: the last line of our code that took part.
    """

    what: str
    where: str
    text: str

    @property
    def name(self) -> str:
        """The name of its file: the same for the same place."""
        return hashlib.sha256(f"{self.what} {self.where}".encode()).hexdigest()[:8]

    def save(self, folder: Path, data: bytes) -> bool:
        """Keep the smallest input of its place, and what was seen; return whether the place is new."""
        file = folder / self.name
        is_new = not file.exists()
        if is_new or len(data) < file.stat().st_size:
            file.write_bytes(data)
            (folder / f"{self.name}.txt").write_text(
                f"{self.what} at {self.where}\n{self.text}\n", errors="replace"
            )
        return is_new


def find_of(error: BaseException) -> Find:
    """Return the find that an exception shows."""
    frames = traceback.extract_tb(error.__traceback__)
    ours = [
        frame for frame in frames if "/orchestrator/" in frame.filename or "/fuzz/targets/" in frame.filename
    ]
    last = (ours or frames)[-1]
    place = f"{'/'.join(Path(last.filename).parts[-3:])}:{last.lineno}"
    text = "".join(traceback.format_exception(error, limit=-12))
    return Find(type(error).__name__, place, text[-4000:])
