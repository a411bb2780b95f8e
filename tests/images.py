"""Kernel images of paper."""

from __future__ import annotations

import struct


def bz_image(release: str) -> bytes:
    """As much of a bzImage as names its release."""
    head = bytearray(0x400)
    head[0x202:0x206] = b"HdrS"
    struct.pack_into("<H", head, 0x20E, 0x200)
    return bytes(head) + release.encode() + b" (builder@host) #1 SMP\0"
