"""What a kernel image tells of itself."""

from __future__ import annotations

import struct
from pathlib import Path

from orchestrator.errors import KernelError


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
