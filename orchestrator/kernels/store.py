"""The kernels that were built, each in a folder named by its hash; a folder that is there is whole."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from msgspec import convert

from orchestrator.cache import cache_folder
from orchestrator.errors import BadInput, KernelError
from orchestrator.nearest import did_you_mean

FILE = "kernel.json"


@dataclass(frozen=True, slots=True)
class Built:
    """A kernel that was built; hashes in hex.

    :ivar hash: of all that it is made of, see :class:`~orchestrator.kernels.ingredients.Ingredients`.
    :ivar recipe: name of the recipe's file; empty for one that stood in an experiment file.
    :ivar build_id: GNU build id of its ``vmlinux``.
    :ivar config_hash: SHA-256 of its configuration, as the kernel itself tells it in ``/proc/config.gz``.
    :ivar ingredients: what it is made of, as plain data.
    :ivar seconds: how long the build took; ``built``: when it ended, ISO 8601, UTC.
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
        """Where its files are."""
        return kernels_folder() / self.hash

    @property
    def image(self) -> Path:
        """The bzImage."""
        return self.folder / "bzImage"

    @property
    def modules(self) -> Path | None:
        """The folder ``lib/modules/RELEASE``, if it has modules."""
        place = self.folder / "lib" / "modules" / self.release
        return place if place.is_dir() else None

    @property
    def package(self) -> Path | None:
        """The Debian package, if one was asked for."""
        return next(iter(sorted(self.folder.glob("linux-image-*.deb"))), None)


def kernels_folder() -> Path:
    """Where built kernels are kept."""
    return cache_folder() / "kernels"


def save(folder: Path, built: Built) -> None:
    """Write ``kernel.json`` into the folder of a kernel that is not in its place yet."""
    (folder / FILE).write_text(json.dumps(asdict(built), indent=2) + "\n", encoding="utf-8")


def load(name: str) -> Built | None:
    """Return the kernel of this hash, None if it is not here; ``KernelError`` if its folder is damaged."""
    file = kernels_folder() / name / FILE
    try:
        return convert(json.loads(file.read_text(encoding="utf-8")), Built)
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise KernelError(
            f"{file} is damaged ({error}); remove {file.parent} and build the kernel again"
        ) from error


def kernels() -> list[Built]:
    """Return all kernels that are here, those used last first."""
    found = [load(file.parent.name) for file in kernels_folder().glob(f"*/{FILE}")]
    return sorted((built for built in found if built), key=last_used, reverse=True)


def find(text: str) -> Built:
    """Return the kernel whose hash begins with ``text``, or the newest of the recipe ``text``; else ``BadInput``."""
    every = kernels()
    matching = [built for built in every if built.hash.startswith(text)] or [
        built for built in every if built.recipe == text
    ][:1]
    if len(matching) > 1:
        raise BadInput(
            f"{text!r} begins the hash of several kernels: {', '.join(built.hash for built in matching)}"
        )
    if not matching:
        known = {built.hash for built in every} | {built.recipe for built in every if built.recipe}
        raise BadInput(f"no kernel {text!r} is in {kernels_folder()}; {did_you_mean(text, sorted(known))}")
    return matching[0]


def mark_used(built: Built) -> None:
    """Note that a kernel is used now."""
    built.folder.touch()


def last_used(built: Built) -> float:
    """When a kernel was used last, in seconds since the epoch."""
    return built.folder.stat().st_mtime


def size(folder: Path) -> int:
    """Bytes on disk of a folder and all in it; a file of several names counts once."""
    seen: dict[tuple[int, int], int] = {}
    for path in (folder, *folder.rglob("*")):
        try:
            status = path.lstat()
        except FileNotFoundError:
            continue
        seen[(status.st_dev, status.st_ino)] = status.st_blocks * 512
    return sum(seen.values())
