"""Read the release of a kernel image."""

from __future__ import annotations

import re
import struct
from pathlib import Path

from orchestrator.errors import KernelError

_BANNER = re.compile(rb"Linux version (\d\S*) ")
"""Begin of ``linux_banner`` in an image that is not compressed."""

_ARM64_MAGIC = b"ARM\x64"
_ELF_MAGIC = b"\x7fELF"


def image_release(image: Path) -> str:
    """Return the release of a kernel image: bzImage, arm64's Image, vmlinux. Raises ``KernelError`` for others."""
    try:
        with image.open("rb") as file:
            head = file.read(0x210)
        if head[0x202:0x206] == b"HdrS" and len(head) == 0x210:
            release = _of_bz_image(image, head)
        elif head[56:60] == _ARM64_MAGIC or head.startswith(_ELF_MAGIC):
            match = _BANNER.search(image.read_bytes())
            release = match[1].decode(errors="replace") if match else ""
        else:
            raise KernelError(
                f"{image} is not a kernel image (bzImage, arm64 Image, vmlinux): no boot header"
            )
    except OSError as error:
        raise KernelError(f"cannot read kernel image {image}: {error.strerror}") from error
    if not release:
        raise KernelError(f"{image}: no kernel release in it")
    return release


def _of_bz_image(image: Path, head: bytes) -> str:
    """Return the release of a bzImage; empty if it has none.

    See the kernel's Documentation/arch/x86/boot.rst (``header`` at 0x202, ``kernel_version`` at 0x20e).
    """
    (offset,) = struct.unpack_from("<H", head, 0x20E)
    if not offset:
        return ""
    with image.open("rb") as file:
        file.seek(offset + 0x200)
        version = file.read(256).split(b"\0")[0].decode(errors="replace").split()
    return version[0] if version else ""
