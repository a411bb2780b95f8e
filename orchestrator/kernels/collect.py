"""Remove unused directories from the cache of kernels."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from pathlib import Path

from msgspec import Struct

from orchestrator.kernels import store
from orchestrator.kernels.debian_package import packages_folder
from orchestrator.kernels.locks import try_locked
from orchestrator.kernels.source import sources_folder
from orchestrator.kernels.suites import states_folder
from orchestrator.kernels.workspace import workspaces_folder

REMOVED = ".removed"
"""Suffix of a directory that is being removed."""


class Removable(Struct, frozen=True):
    """A directory in the cache.

    :ivar kind: ``kernel``, ``source``, ``workspace``, ``package`` or ``package lists``.
    :ivar lock: the lock file that a process holds while it uses the directory.
    :ivar size: bytes on disk.
    :ivar idle: seconds since the last use.
    """

    kind: str
    folder: Path
    lock: Path
    size: int
    idle: float


def removable(unused_for: float) -> Iterator[Removable]:
    """Yield directories that were unused for so many seconds, and leftovers of killed processes."""
    now = time.time()
    for kind, folder, lock in _cached():
        idle = now - folder.stat().st_mtime
        if idle >= unused_for or folder.suffix in (".part", REMOVED):
            yield Removable(kind, folder, lock, store.size(folder), idle)


def remove(item: Removable) -> bool:
    """Remove a directory; return False if a process uses it."""
    with try_locked(item.lock) as acquired:
        if not acquired:
            return False
        renamed = item.folder.with_name(f"{item.folder.name}{REMOVED}")
        item.folder.rename(renamed)  # first, so that no process sees an incomplete directory
        shutil.rmtree(renamed)
        return True


def _cached() -> Iterator[tuple[str, Path, Path]]:
    """Yield kind, path and lock file of each directory in the cache."""
    for kind, parent in (
        ("kernel", store.kernels_folder()),
        ("source", sources_folder()),
        ("workspace", workspaces_folder()),
        ("package lists", states_folder()),
    ):
        for folder in _folders(parent):
            yield kind, folder, parent / f"{folder.name.partition('.')[0]}.lock"
    for package in _folders(packages_folder()):
        for folder in _folders(package):
            yield "package", folder, package.with_name(f"{package.name}.lock")


def _folders(parent: Path) -> list[Path]:
    return sorted(path for path in parent.glob("*") if path.is_dir())
