"""Which kernels, sources and workspaces of the cache can go."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from orchestrator.kernels import store
from orchestrator.kernels.locks import try_locked
from orchestrator.kernels.source import sources_folder
from orchestrator.kernels.workspace import workspaces_folder


@dataclass(frozen=True, slots=True)
class Removable:
    """A folder of the cache: a kernel, an unpacked source or a workspace; ``size`` in bytes, ``idle`` in seconds."""

    what: str
    folder: Path
    size: int
    idle: float


def removable(unused_for: float) -> Iterator[Removable]:
    """Yield what was not used for so many seconds. A source or workspace can be made again; so can a kernel, slowly."""
    now = time.time()
    for what, parent in (
        ("kernel", store.kernels_folder()),
        ("source", sources_folder()),
        ("workspace", workspaces_folder()),
    ):
        for folder in sorted(place for place in parent.glob("*") if place.is_dir()):
            idle = now - folder.stat().st_mtime
            if folder.suffix == ".part" or idle >= unused_for:
                yield Removable(what, folder, store.size(folder), idle)


def remove(item: Removable) -> bool:
    """Remove a folder unless a process is at work in it; whether it is gone."""
    name = item.folder.name.partition(".")[0]
    with try_locked(item.folder.parent / f"{name}.lock") as mine:
        if not mine:
            return False
        gone = item.folder.with_name(f"{item.folder.name}.removed")
        item.folder.rename(gone)  # first, so that no half of it is ever seen in its place
        shutil.rmtree(gone)
        return True
