"""Archives for the kernel's initramfs in `newc` format. Needs no root; the bytes are reproducible.

Format: Documentation/driver-api/early-userspace/buffer-format.rst of the kernel.
"""

from __future__ import annotations

import stat
from collections.abc import Iterable, Iterator
from pathlib import PurePosixPath

from msgspec import Struct

_MAGIC = b"070701"
_TRAILER = "TRAILER!!!"


class Entry(Struct, frozen=True):
    """One file of an archive, owned by root.

    :ivar path: relative to the root directory.
    :ivar mode: type and permissions, as in ``st_mode``.
    :ivar content: bytes of a file, target of a symbolic link.
    :ivar device: major and minor number of a device node.
    """

    path: str
    mode: int
    content: bytes = b""
    device: tuple[int, int] = (0, 0)


def folder(path: str, permissions: int = 0o755) -> Entry:
    """Return a directory."""
    return Entry(path, stat.S_IFDIR | permissions)


def file(path: str, content: bytes, permissions: int = 0o644) -> Entry:
    """Return a regular file."""
    return Entry(path, stat.S_IFREG | permissions, content)


def link(path: str, target: str) -> Entry:
    """Return a symbolic link."""
    return Entry(path, stat.S_IFLNK | 0o777, target.encode())


def character_device(path: str, major: int, minor: int, permissions: int = 0o600) -> Entry:
    """Return a character device node."""
    return Entry(path, stat.S_IFCHR | permissions, device=(major, minor))


def archive(entries: Iterable[Entry]) -> bytes:
    """Return the archive of ``entries``. Of entries with the same path, the first is used.

    Missing parent directories are added. Archives can be concatenated: the kernel unpacks one after the other.
    """
    parts = [_record(number, entry) for number, entry in enumerate(_with_folders(entries), start=1)]
    return b"".join([*parts, _record(0, Entry(_TRAILER, 0))])


def _with_folders(entries: Iterable[Entry]) -> Iterator[Entry]:
    seen = {"."}
    for entry in entries:
        for parent in reversed(PurePosixPath(entry.path).parents):
            if str(parent) not in seen:
                seen.add(str(parent))
                yield folder(str(parent))
        if entry.path not in seen:
            seen.add(entry.path)
            yield entry


def _record(number: int, entry: Entry) -> bytes:
    name = entry.path.encode() + b"\0"
    fields = (
        number,
        entry.mode,
        0,  # uid
        0,  # gid
        2 if stat.S_ISDIR(entry.mode) else 1,
        0,  # mtime
        len(entry.content),
        0,  # device of the file
        0,
        *entry.device,
        len(name),
        0,  # checksum, unused in this format
    )
    head = _MAGIC + b"".join(b"%08X" % value for value in fields) + name
    return _padded(head) + _padded(entry.content)


def _padded(data: bytes) -> bytes:
    return data + b"\0" * (-len(data) % 4)
