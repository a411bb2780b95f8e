"""Read the header of a kernel image."""

from __future__ import annotations

import struct
from pathlib import Path

from orchestrator.errors import KernelError


def image_release(image: Path) -> str:
    """Return the kernel release from the header of a bzImage. Raises ``KernelError`` for other files.

    See the kernel's Documentation/arch/x86/boot.rst (``header`` at 0x202, ``kernel_version`` at 0x20e).
    """
    try:
        with image.open("rb") as file:
            head = file.read(0x210)
            if len(head) < 0x210 or head[0x202:0x206] != b"HdrS":
                raise KernelError(f"{image} is not an x86 kernel image (bzImage): no boot header")
            (offset,) = struct.unpack_from("<H", head, 0x20E)
            file.seek(offset + 0x200)
            version = file.read(256).split(b"\0")[0].decode(errors="replace").split()
    except OSError as error:
        raise KernelError(f"cannot read kernel image {image}: {error.strerror}") from error
    if not offset or not version:
        raise KernelError(f"{image}: no kernel release in its header")
    return version[0]
