"""Workspaces: a source tree and a build directory that are kept for the next, incremental build."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from orchestrator.cache import cache_folder
from orchestrator.errors import KernelError
from orchestrator.kernels import programs
from orchestrator.kernels.apply import apply_patches
from orchestrator.kernels.ingredients import Ingredients
from orchestrator.kernels.locks import locked


class BuildKilled(KernelError):
    """A build was killed or the disk was full. The build directory may contain incomplete files."""


class Workspace:
    """A directory with ``source/`` and ``build/``. Their paths never change, as make compares command lines."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.source = folder / "source"
        self.build = folder / "build"
        self.log = folder / "build.log"
        self._unclean = folder / "unclean"

    def prepare(self, ingredients: Ingredients) -> None:
        """Update ``source/`` to the ingredients. Raises ``KernelError``.

        Unchanged files keep their time; others get the current time, so make rebuilds what depends on them.
        """
        with self.patched_source(ingredients) as tree:
            if self.source.is_dir():
                compare = ["rsync", "--recursive", "--links", "--perms", "--checksum", "--delete"]
                programs.run([*compare, f"{tree}/", f"{self.source}/"], "cannot update the source tree")
            else:
                tree.rename(self.source)

    @contextmanager
    def patched_source(self, ingredients: Ingredients) -> Iterator[Path]:
        """Provide a copy of the source with all patches, which is removed afterwards. Raises ``KernelError``."""
        tree = self.folder / "source.next"
        shutil.rmtree(tree, ignore_errors=True)
        try:
            ingredients.source.copy_to(tree)
            apply_patches(ingredients.patches, tree)
            yield tree
        finally:
            shutil.rmtree(tree, ignore_errors=True)

    @contextmanager
    def building(self) -> Iterator[None]:
        """Use the build directory for one build. Clears it first if the last build was killed.

        If make is killed, it may leave incomplete object files, and the next make would use them. If make ends by
        itself, on an error or a signal, it removes such files.
        """
        if self._unclean.exists():
            shutil.rmtree(self.build, ignore_errors=True)
        self.build.mkdir(parents=True, exist_ok=True)
        self._unclean.touch()
        try:
            yield
        except BuildKilled:
            raise
        except BaseException:
            self._unclean.unlink()
            raise
        self._unclean.unlink()


@contextmanager
def workspace(ingredients: Ingredients) -> Iterator[Workspace]:
    """Yield the workspace of a kernel, locked."""
    folder = workspaces_folder() / ingredients.workspace
    with locked(workspaces_folder() / f"{ingredients.workspace}.lock"):
        folder.mkdir(parents=True, exist_ok=True)
        yield Workspace(folder)


def workspaces_folder() -> Path:
    """Return the directory of workspaces."""
    return cache_folder() / "kernel-workspaces"
