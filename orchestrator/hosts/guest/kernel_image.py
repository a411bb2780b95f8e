"""Where a guest's kernel comes from: a Debian package kept in the cache, a given image, or this machine's own."""

from __future__ import annotations

import platform
import struct
from dataclasses import dataclass
from pathlib import Path

from orchestrator.errors import KernelError
from orchestrator.hosts.guest.debian_kernel import fetch_package
from orchestrator.spec.model import Kernel

DEFAULT_PACKAGE = "linux-image-cloud-amd64"


@dataclass(frozen=True, slots=True)
class KernelFiles:
    """A kernel on the controller: its release, its bzImage and, if it has one, the folder ``lib/modules/RELEASE``."""

    release: str
    image: Path
    modules: Path | None


def find_kernel(kernel: Kernel) -> KernelFiles:
    """Return the files of ``kernel``, fetching a package where needed; ``KernelError`` says what is missing."""
    if kernel.source in ("default", "package"):
        return _packaged(kernel.package or DEFAULT_PACKAGE)
    if kernel.source == "running":
        release = platform.release()
        return _files(Path(f"/boot/vmlinuz-{release}"), Path("/"))
    if kernel.image is None:
        raise KernelError(f"kernel {kernel.name!r} has no image")
    return _files(kernel.image, kernel.modules)


def _packaged(package: str) -> KernelFiles:
    root = fetch_package(package)
    images = sorted(root.glob("boot/vmlinuz-*"))
    if not images:
        raise KernelError(f"package {package} holds no kernel (no /boot/vmlinuz-*)")
    return _files(images[-1], root)


def _files(image: Path, root: Path | None) -> KernelFiles:
    release = image_release(image)
    if root is None:
        return KernelFiles(release, image, None)
    for folder in (root / "lib/modules" / release, root / "usr/lib/modules" / release):
        if folder.is_dir():
            return KernelFiles(release, image, folder)
    return KernelFiles(release, image, None)


def image_release(image: Path) -> str:
    """Return the release that a bzImage names in its header; ``KernelError`` if the file is no x86 kernel image.

    Source: the kernel's Documentation/arch/x86/boot.rst (``header`` at 0x202, ``kernel_version`` at 0x20e).
    """
    try:
        with image.open("rb") as file:
            head = file.read(0x210)
            if len(head) < 0x210 or head[0x202:0x206] != b"HdrS":
                raise KernelError(f"{image} is not an x86 kernel image (bzImage): it has no boot header")
            (offset,) = struct.unpack_from("<H", head, 0x20E)
            file.seek(offset + 0x200)
            version = file.read(256).split(b"\0")[0].decode(errors="replace").split()
    except OSError as error:
        raise KernelError(f"cannot read kernel image {image}: {error.strerror}") from error
    if not offset or not version:
        raise KernelError(f"{image} names no kernel release in its header")
    return version[0]
