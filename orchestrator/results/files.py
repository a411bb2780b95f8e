"""Atomic writes: a file is complete or missing, also after a power cut. Reads that end: of regular files only.

What a run writes is only for its owner, whatever the umask is: logs and outputs of hosts may have secrets in them.
"""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path
from typing import BinaryIO

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


def open_regular(path: Path, flags: int = 0) -> BinaryIO:
    """Open a file of a run for reading; ``OSError`` if it is a FIFO or a device, which could be read for ever.

    :param flags: of ``open``, such as ``O_NOFOLLOW``.
    """
    # Without O_NONBLOCK a FIFO that nobody writes to would block for ever.
    stream = os.fdopen(os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | flags), "rb")
    try:
        require_regular(stream.fileno())
    except BaseException:
        stream.close()
        raise
    return stream


def require_regular(file: int) -> None:
    """Raise ``OSError`` if an open file is a FIFO, a device or a directory."""
    mode = os.fstat(file).st_mode
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
    if not stat.S_ISREG(mode):
        raise OSError(errno.EINVAL, "Not a regular file")


def sync_folder(folder: Path) -> None:
    """Wait until the names in ``folder`` are on disk; ``fsync`` of a file does not guarantee that."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
