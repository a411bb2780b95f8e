"""What of the cache of kernels can go."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from orchestrator.kernels import store
from orchestrator.kernels.debian_package import packages_folder
from orchestrator.kernels.locks import try_locked
from orchestrator.kernels.source import sources_folder
from orchestrator.kernels.workspace import workspaces_folder

REMOVED = ".removed"
"""Ends the name of a folder that is being removed."""


@dataclass(frozen=True, slots=True)
class Removable:
    """A folder of the cache: a kernel, source, workspace or package.

    :ivar size: bytes; ``idle``: seconds since it was used last; ``lock``: held by whoever is at work in it.
    """

    what: str
    folder: Path
    lock: Path
    size: int
    idle: float


def removable(unused_for: float) -> Iterator[Removable]:
    """Yield what was not used for so many seconds, and what killed processes left. All can be made again."""
    now = time.time()
    for what, folder, lock in _kept():
        idle = now - folder.stat().st_mtime
        if idle >= unused_for or folder.suffix in (".part", REMOVED):
            yield Removable(what, folder, lock, store.size(folder), idle)


def remove(item: Removable) -> bool:
    """Remove a folder unless a process is at work in it; whether it is gone."""
    with try_locked(item.lock) as mine:
        if not mine:
            return False
        gone = item.folder.with_name(f"{item.folder.name}{REMOVED}")
        item.folder.rename(gone)  # first, so that no half of it is ever seen in its place
        shutil.rmtree(gone)
        return True


def _kept() -> Iterator[tuple[str, Path, Path]]:
    """Each folder of the cache with its lock."""
    for what, parent in (
        ("kernel", store.kernels_folder()),
        ("source", sources_folder()),
        ("workspace", workspaces_folder()),
    ):
        for folder in _folders(parent):
            yield what, folder, parent / f"{folder.name.partition('.')[0]}.lock"
    for package in _folders(packages_folder()):
        for folder in _folders(package):
            yield "package", folder, package.with_name(f"{package.name}.lock")


def _folders(parent: Path) -> list[Path]:
    return sorted(place for place in parent.glob("*") if place.is_dir())
