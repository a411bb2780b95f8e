"""Find the project file, upwards from the working directory. Commands without one import nothing else for it."""

from __future__ import annotations

import os
import stat
from pathlib import Path

FILE = "orchestrate.yaml"


def find() -> Path | None:
    """Return the nearest project file; None if there is none, or no working directory."""
    try:
        folder = Path.cwd()
    except OSError:
        return None
    for parent in (folder, *folder.parents):
        path = parent / FILE
        if os.path.lexists(path):
            return path
    return None


def distrusted(path: Path) -> str:
    """Return why a project file is not read; empty if it is.

    It says which hosts commands connect to, so others must not be able to write it. Ansible ignores its configuration
    in a directory that everybody may write to, for the same reason. Of a link, the directory counts as well: the paths
    in the file are relative to it.
    """
    ours = (os.geteuid(), 0)
    try:
        name, status, folder = path.lstat(), path.stat(), path.parent.stat()
    except OSError as error:
        return str(error.strerror)
    if name.st_uid not in ours:
        return f"it {'is a link that ' * stat.S_ISLNK(name.st_mode)}belongs to another user"
    if status.st_uid not in ours:
        return "it is a link to a file of another user"
    if folder.st_uid not in ours:
        return "its directory belongs to another user"
    if status.st_mode & stat.S_IWOTH:
        return "everybody may write to it"
    if folder.st_mode & stat.S_IWOTH:
        return "everybody may write to its directory"
    return ""
