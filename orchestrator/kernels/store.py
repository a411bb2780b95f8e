"""The cache of built kernels: one directory per hash. A directory is always complete."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from msgspec import Struct, convert, to_builtins

from orchestrator.architectures import ARCHITECTURES, X86_64
from orchestrator.cache import cache_folder
from orchestrator.errors import BadInput, KernelError
from orchestrator.nearest import did_you_mean

FILE = "kernel.json"


class Built(Struct, frozen=True):
    """A built kernel. Hashes are in hex.

    :ivar hash: hash of its :class:`~orchestrator.kernels.ingredients.Ingredients`.
    :ivar recipe: name of the recipe file; empty for an inline recipe.
    :ivar build_id: GNU build id of ``vmlinux``.
    :ivar config_hash: SHA-256 of the configuration, as in ``/proc/config.gz`` of the running kernel.
    :ivar ingredients: the ingredients as plain data.
    :ivar seconds: duration of the build.
    :ivar built: time of the build, ISO 8601, UTC.
    """

    hash: str
    recipe: str
    release: str
    build_id: str
    config_hash: str
    ingredients: Mapping[str, Any]
    seconds: float
    built: str

    @property
    def folder(self) -> Path:
        """The directory of the kernel."""
        return kernels_folder() / self.hash

    @property
    def architecture(self) -> str:
        """The name of its architecture."""
        return str(self.ingredients.get("architecture", X86_64.name))

    @property
    def image(self) -> Path:
        """The kernel image: bzImage, Image or vmlinux."""
        return self.folder / ARCHITECTURES[self.architecture].image

    @property
    def modules(self) -> Path | None:
        """The directory ``lib/modules/RELEASE``; None: no modules."""
        folder = self.folder / "lib" / "modules" / self.release
        return folder if folder.is_dir() else None

    @property
    def package(self) -> Path | None:
        """The Debian package; None: not built."""
        return next(iter(sorted(self.folder.glob("linux-image-*.deb"))), None)


def kernels_folder() -> Path:
    """Return the directory of built kernels."""
    return cache_folder() / "kernels"


def save(folder: Path, built: Built) -> None:
    """Write ``kernel.json`` into the (temporary) directory of a kernel."""
    (folder / FILE).write_text(json.dumps(to_builtins(built), indent=2) + "\n", encoding="utf-8")


def load(name: str) -> Built | None:
    """Return the kernel with this hash; None if it is not in the cache. Raises ``KernelError`` if it is damaged."""
    file = kernels_folder() / name / FILE
    try:
        return convert(json.loads(file.read_text(encoding="utf-8")), Built)
    except FileNotFoundError:
        return None
    except (OSError, ValueError, RecursionError) as error:
        raise KernelError(
            f"{file} is damaged ({error}); remove {file.parent} and rebuild the kernel"
        ) from error


def kernels() -> list[Built]:
    """Return all kernels in the cache, most recently used first."""
    loaded = [load(file.parent.name) for file in kernels_folder().glob(f"*/{FILE}")]
    return sorted((built for built in loaded if built), key=last_used, reverse=True)


def find(text: str) -> Built:
    """Return the kernel whose hash begins with ``text``, or the newest one of the recipe ``text``; or ``BadInput``."""
    cached = kernels()
    matching = [built for built in cached if built.hash.startswith(text)] or [
        built for built in cached if built.recipe == text
    ][:1]
    if len(matching) > 1:
        raise BadInput(f"ambiguous hash {text!r}: {', '.join(built.hash for built in matching)}")
    if not matching:
        known = {built.hash for built in cached} | {built.recipe for built in cached if built.recipe}
        raise BadInput(
            f"kernel {text!r} not found in {kernels_folder()}; {did_you_mean(text, sorted(known))}"
        )
    return matching[0]


def mark_used(built: Built) -> None:
    """Set the time of the last use of a kernel to now."""
    built.folder.touch()


def last_used(built: Built) -> float:
    """Return the time of the last use of a kernel, in seconds since the epoch."""
    return built.folder.stat().st_mtime


def size(folder: Path) -> int:
    """Return the bytes on disk of a directory; hard links count once."""
    seen: dict[tuple[int, int], int] = {}
    for path in (folder, *folder.rglob("*")):
        try:
            status = path.lstat()
        except FileNotFoundError:
            continue
        seen[(status.st_dev, status.st_ino)] = status.st_blocks * 512
    return sum(seen.values())
