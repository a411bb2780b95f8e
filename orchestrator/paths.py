"""Paths as users write them."""

from __future__ import annotations

import errno
import os
from pathlib import Path

from orchestrator.errors import BadInput

LONGEST_NAME = 255
"""Bytes of a file name on Linux's file systems (``NAME_MAX``)."""
LONGEST_PATH = 4096
"""Bytes of a path with the NUL at its end (``PATH_MAX``)."""


def user_path(text: str, folder: Path = Path()) -> Path:
    """Return the absolute path for a path that is relative to ``folder``; ``~`` is the home of a user.

    ``BadInput`` for a user that does not exist, for a link to itself, and for what no file can be called: so the path
    may be looked at.
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
