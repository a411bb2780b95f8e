"""Where kernels are built: a source tree and a build folder that outlive a build, so that the next one is short."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from orchestrator.cache import cache_folder
from orchestrator.errors import KernelError
from orchestrator.kernels import programs
from orchestrator.kernels.ingredients import Ingredients
from orchestrator.kernels.locks import locked
from orchestrator.kernels.patches import apply_patches


class Killed(KernelError):
    """A build had to be killed, or the disk was full: its folder holds who knows what."""


class Workspace:
    """A folder with ``source/`` and ``build/``; both are always at the same path, as make compares commands."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.source = folder / "source"
        self.build = folder / "build"
        self.log = folder / "build.log"
        self._unclean = folder / "unclean"

    def prepare(self, ingredients: Ingredients) -> None:
        """Make ``source/`` what the ingredients say. Files that stay as they are keep their time; ``KernelError``.

        Others get the time of now, so that make builds again what depends on them.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        next_tree = self.folder / "source.next"
        shutil.rmtree(next_tree, ignore_errors=True)
        try:
            ingredients.source.lay_out(next_tree)
            apply_patches(ingredients.patches, next_tree)
            if self.source.is_dir():
                compare = ["rsync", "--recursive", "--links", "--perms", "--checksum", "--delete"]
                programs.run(
                    [*compare, f"{next_tree}/", f"{self.source}/"], "cannot bring the source tree up to date"
                )
            else:
                next_tree.rename(self.source)
        finally:
            shutil.rmtree(next_tree, ignore_errors=True)

    @contextmanager
    def building(self) -> Iterator[None]:
        """Hold the build folder for one build; what a build left that was killed is thrown away first.

        A make that is killed may leave an object file half written, and would take it for a good one the next time.
        One that ends by itself, on a fault or on a signal that it handles, removes such files.
        """
        if self._unclean.exists():
            shutil.rmtree(self.build, ignore_errors=True)
        self.build.mkdir(parents=True, exist_ok=True)
        self._unclean.touch()
        try:
            yield
        except Killed:
            raise
        except BaseException:
            self._unclean.unlink()
            raise
        self._unclean.unlink()


@contextmanager
def workspace(ingredients: Ingredients) -> Iterator[Workspace]:
    """Hold the workspace of a kernel alone."""
    place = workspaces_folder() / ingredients.workspace
    with locked(workspaces_folder() / f"{ingredients.workspace}.lock"):
        place.mkdir(parents=True, exist_ok=True)
        yield Workspace(place)


def workspaces_folder() -> Path:
    """Where workspaces are kept."""
    return cache_folder() / "kernel-workspaces"
