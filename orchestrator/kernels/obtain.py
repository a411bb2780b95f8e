"""The kernel that an experiment names, as files on the controller and as what it must prove to be."""

from __future__ import annotations

import platform
from dataclasses import dataclass
from pathlib import Path

from orchestrator.cache import cache_folder
from orchestrator.errors import KernelError
from orchestrator.experiment.model import Kernel
from orchestrator.kernels.build import build
from orchestrator.kernels.config import parse
from orchestrator.kernels.debian_package import fetch_package
from orchestrator.kernels.image import image_release
from orchestrator.kernels.make import ProgressCallback
from orchestrator.kernels.verification import Identity

DEFAULT_PACKAGE = "linux-image-cloud-amd64"
"""The kernel that a guest gets where none is named."""

_obtained: dict[tuple[Kernel, Path], KernelFiles] = {}


@dataclass(frozen=True, slots=True)
class KernelFiles:
    """A kernel on the controller.

    :ivar image: its bzImage; ``modules``: the folder ``lib/modules/RELEASE`` if it has any.
    :ivar identity: what it must prove to be once it runs.
    :ivar config: its configuration, where that is known.
    """

    release: str
    image: Path
    modules: Path | None
    identity: Identity
    config: Path | None = None

    @property
    def ticks(self) -> int | None:
        """Timer ticks a second (CONFIG_HZ), where the configuration is known."""
        if self.config is None or not self.config.is_file():
            return None
        hertz = parse(self.config.read_text(encoding="utf-8")).get("HZ")
        return int(hertz) if hertz else None


def obtain(kernel: Kernel, say: ProgressCallback = lambda _: None) -> KernelFiles:
    """Return the files of ``kernel``, fetched or built where needed; ``KernelError`` says what is missing.

    Once in the life of this process: what is edited meanwhile belongs to the next run.
    """
    key = (kernel, cache_folder())
    if key not in _obtained:
        _obtained[key] = _obtain(kernel, say)
    return _obtained[key]


def identity_of(kernel: Kernel) -> Identity:
    """Return what ``kernel`` must prove to be on a machine; nothing is known of one that merely runs there."""
    if kernel.source in ("default", "running"):
        return Identity(command_line=kernel.command_line)
    return obtain(kernel).identity


def _obtain(kernel: Kernel, say: ProgressCallback) -> KernelFiles:
    if kernel.source in ("default", "package"):
        return _packaged(kernel)
    if kernel.source == "running":
        release = platform.release()
        return _files(kernel, Path(f"/boot/vmlinuz-{release}"), Path("/"))
    if kernel.source == "image":
        if kernel.image is None:
            raise KernelError(f"kernel {kernel.name!r} has no image")
        return _files(kernel, kernel.image, kernel.modules)
    if kernel.recipe is None:
        raise KernelError(f"kernel {kernel.name!r} has no recipe")
    built = build(kernel.recipe, say)
    made_of = built.ingredients
    identity = Identity(
        release=built.release,
        build_id=built.build_id,
        config_hash=built.config_hash,
        command_line=kernel.command_line,
        kernel_hash=built.hash,
        patches=tuple(patch["name"] for patch in made_of["patches"]),
        recipe=built.recipe,
        source=made_of["source"],
        config=f"{made_of['config']['base']} and {len(made_of['config']['requests'])} options",
        compiler=made_of["compiler"],
    )
    return KernelFiles(built.release, built.image, built.modules, identity, built.folder / "config")


def _packaged(kernel: Kernel) -> KernelFiles:
    package = kernel.package or DEFAULT_PACKAGE
    root = fetch_package(package)
    images = sorted(root.glob("boot/vmlinuz-*"))
    if not images:
        raise KernelError(f"package {package} holds no kernel (no /boot/vmlinuz-*)")
    return _files(kernel, images[-1], root)


def _files(kernel: Kernel, image: Path, root: Path | None) -> KernelFiles:
    release = image_release(image)
    identity = Identity(release=release, command_line=kernel.command_line)
    modules: Path | None = None
    config: Path | None = None
    if root is not None:
        places = (root / "lib/modules" / release, root / "usr/lib/modules" / release)
        modules = next((place for place in places if place.is_dir()), None)
        config = root / "boot" / f"config-{release}"
    return KernelFiles(release, image, modules, identity, config)
