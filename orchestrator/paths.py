"""Paths as users write them."""

from __future__ import annotations

import errno
import os
from pathlib import Path

from orchestrator.errors import BadInput

DENIED = os.strerror(errno.EACCES)
LONGEST_NAME = 255
"""Bytes of a file name on Linux's file systems (``NAME_MAX``)."""
LONGEST_PATH = 4096
"""Bytes of a path with the NUL at its end (``PATH_MAX``)."""


def user_path(text: str, folder: Path = Path()) -> Path:
    """Return the absolute path for a path that is relative to ``folder``; ``~`` is the home of a user.

    ``BadInput`` for a user that does not exist, for a link to itself, and for what no file can be called.
    """
    check_name(text)
    try:
        path = folder / Path(text).expanduser()
    except RuntimeError:
        raise BadInput(f"{text}: no such user") from None
    try:
        return path.resolve()
    except RuntimeError:
        raise BadInput(f"{text}: {os.strerror(errno.ELOOP)}") from None


def check_name(text: str) -> None:
    """Raise ``BadInput`` for a path that no file can have."""
    if "\0" in text:
        raise BadInput(f"{text!r}: a path cannot have NUL characters")
    raw = os.fsencode(text.encode("utf-8", "replace").decode())
    if len(raw) >= LONGEST_PATH or any(len(part) > LONGEST_NAME for part in raw.split(b"/")):
        raise BadInput(f"{text[:60]}…: File name too long")


def is_closed(path: Path) -> bool:
    """Whether a path is in a directory that we may not enter: nobody can say then whether there is such a file."""
    try:
        path.stat()
    except OSError as error:
        return isinstance(error, PermissionError)
    return False


def check_reachable(path: Path) -> None:
    """Raise ``BadInput`` for a path in a directory that we may not enter. ``Path.exists`` and its like would fail."""
    if is_closed(path):
        raise BadInput(f"{path}: {DENIED}")


def has_working_directory() -> bool:
    """Whether the working directory still exists: paths are relative to it."""
    try:
        Path.cwd()
    except FileNotFoundError:
        return False
    return True


def is_below(folder: Path, path: Path) -> bool:
    """Whether a path, links followed, is in a directory."""
    return Path(os.path.realpath(path)).is_relative_to(os.path.realpath(folder))
