"""Atomic writes: a file is complete or missing, also after a power cut.

What a run writes is only for its owner, whatever the umask is: logs and outputs of hosts may have secrets in them.
"""

from __future__ import annotations

import os
from pathlib import Path

PRIVATE = 0o600
PRIVATE_FOLDER = 0o700


def write_whole(path: Path, text: str) -> None:
    """Write a file (UTF-8) atomically: readers see the old or the new content, also after a crash.

    Only one process may write it at a time: its temporary file is that of one that was killed, too.
    """
    temporary = path.with_name(f".{path.name}.new")
    try:
        temporary.touch(PRIVATE)
        with temporary.open("w", encoding="utf-8", errors="backslashreplace") as stream:
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Wait until the names in ``folder`` are on disk; ``fsync`` of a file does not guarantee that."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
