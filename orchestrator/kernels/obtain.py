"""Obtain the kernels of an experiment: their files on the controller and their expected identity."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from msgspec import Struct

from orchestrator import architectures
from orchestrator.cache import cache_folder
from orchestrator.errors import KernelError
from orchestrator.experiment.model import Kernel
from orchestrator.kernels.build import build, check_patches
from orchestrator.kernels.config import parse
from orchestrator.kernels.debian_package import fetch_package, origin
from orchestrator.kernels.image import image_release
from orchestrator.kernels.make import ProgressCallback
from orchestrator.kernels.verification import Identity

_IMAGES = ("usr/lib/modules/*/vmlinu[xz]", "boot/vmlinu[xz]-*")
"""Where packages have the kernel image; the last one is used."""

_obtained: dict[tuple[Kernel, Path], KernelFiles] = {}


class KernelFiles(Struct, frozen=True):
    """The files of a kernel on the controller.

    :ivar image: the kernel image.
    :ivar modules: the directory ``lib/modules/RELEASE``; None: no modules.
    :ivar identity: the expected identity of the running kernel.
    :ivar config: the configuration; None: unknown.
    """

    release: str
    image: Path
    modules: Path | None
    identity: Identity
    config: Path | None = None

    @property
    def ticks(self) -> int | None:
        """Timer ticks per second (CONFIG_HZ); None: unknown."""
        if self.config is None or not self.config.is_file():
            return None
        hertz = parse(self.config.read_text(encoding="utf-8")).get("HZ")
        return int(hertz) if hertz else None


def obtain(kernel: Kernel, on_progress: ProgressCallback = lambda _: None) -> KernelFiles:
    """Return the files of ``kernel``; fetch or build it if needed. Raises ``KernelError`` if that fails.

    The result is cached in this process: later changes of the recipe affect only the next run.
    """
    key = (kernel, cache_folder())
    if key not in _obtained:
        _obtained[key] = _obtain(kernel, on_progress)
    return _obtained[key]


def check_recipe(kernel: Kernel, on_progress: ProgressCallback = lambda _: None) -> None:
    """Raise ``KernelError`` if the patches of a kernel with a recipe do not apply; builds nothing."""
    if kernel.recipe is not None and (kernel, cache_folder()) not in _obtained:
        check_patches(kernel.recipe, on_progress, architectures.find(kernel.architecture))


def identity_of(kernel: Kernel) -> Identity:
    """Return the expected identity of ``kernel`` on a machine; empty for its own kernel."""
    if kernel.source in ("default", "running"):
        return Identity(command_line=kernel.command_line)
    return obtain(kernel).identity


def _obtain(kernel: Kernel, on_progress: ProgressCallback) -> KernelFiles:
    if kernel.source in ("default", "package"):
        return _packaged(kernel)
    architecture = architectures.find(kernel.architecture)
    if kernel.source == "running":
        if not architecture.is_native:
            raise KernelError(
                f"kernel {kernel.name!r}: the running kernel of this machine is not one for {architecture.name}; "
                "use 'package' or 'recipe'"
            )
        release = platform.release()
        return _files(kernel, Path(f"/boot/vmlinuz-{release}"), Path("/"))
    if kernel.source == "image":
        if kernel.image is None:
            raise KernelError(f"kernel {kernel.name!r} has no image")
        return _files(kernel, kernel.image, kernel.modules)
    if kernel.recipe is None:
        raise KernelError(f"kernel {kernel.name!r} has no recipe")
    built = build(kernel.recipe, on_progress, architecture=architecture)
    ingredients = built.ingredients
    identity = Identity(
        release=built.release,
        build_id=built.build_id,
        config_hash=built.config_hash,
        command_line=kernel.command_line,
        kernel_hash=built.hash,
        patches=tuple(patch["name"] for patch in ingredients["patches"]),
        recipe=built.recipe,
        source=ingredients["source"],
        config=f"{ingredients['config']['base']} and {len(ingredients['config']['requests'])} options",
        compiler=ingredients["compiler"],
        package=ingredients.get("package", {}),
    )
    return KernelFiles(built.release, built.image, built.modules, identity, built.folder / "config")


def _packaged(kernel: Kernel) -> KernelFiles:
    architecture = architectures.find(kernel.architecture)
    package = kernel.package or architecture.package
    root = fetch_package(package, suite=kernel.suite, architecture=architecture)
    images = [path for pattern in _IMAGES for path in sorted(root.glob(pattern))]
    if not images:
        raise KernelError(f"package {package} contains no kernel (/boot/vmlinuz-*, /boot/vmlinux-*)")
    return _files(kernel, images[-1], root, origin(root))


def _files(
    kernel: Kernel, image: Path, root: Path | None, package: Mapping[str, Any] | None = None
) -> KernelFiles:
    release = image_release(image)
    identity = Identity(release=release, command_line=kernel.command_line, package=package or {})
    modules: Path | None = None
    config: Path | None = None
    if root is not None:
        candidates = (root / "lib/modules" / release, root / "usr/lib/modules" / release)
        modules = next((path for path in candidates if path.is_dir()), None)
        configs = (root / "boot" / f"config-{release}", *(folder / "config" for folder in candidates))
        config = next((path for path in configs if path.is_file()), configs[0])
    return KernelFiles(release, image, modules, identity, config)
