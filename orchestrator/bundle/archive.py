"""A bundle as one file: a tar archive of which every byte follows from the files in it.

Sorted names below one folder, one time, no owner, POSIX's ustar headers, zeros to the ends of blocks. Not compressed:
what a compressor writes depends on its version, and one damaged bit would spoil all that comes after it. So a reader
can make each header again and compare: no byte of the archive is outside of what is checked.
"""

from __future__ import annotations

import hashlib
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from orchestrator.bundle.checksums import Fault, everything, parse
from orchestrator.bundle.layout import SEAL, SUMS
from orchestrator.errors import BadInput
from orchestrator.units import plural

BLOCK = tarfile.BLOCKSIZE
RECORD = tarfile.RECORDSIZE
PLAIN, EXECUTABLE = 0o644, 0o755
_PIECE = 1 << 20
_FIRST = (SEAL, SUMS)
"""These come first, so that a reader knows what is to follow."""


@dataclass(frozen=True, slots=True)
class Member:
    """A file of an archive: its path in the bundle (without the leading folder), where its content lies."""

    name: str
    offset: int
    size: int
    executable: bool


def pack(folder: Path, target: Path, time: int) -> None:
    """Write the files of ``folder`` into the archive ``target``, all with the time ``time`` (seconds since 1970)."""
    names = sorted(everything(folder), key=_order)
    with target.open("wb") as stream:
        for name in names:
            path = folder / name
            status = path.stat()
            stream.write(_header(f"{folder.name}/{name}", status.st_size, bool(status.st_mode & 0o100), time))
            with path.open("rb") as content:
                while piece := content.read(_PIECE):
                    stream.write(piece)
            stream.write(bytes(-status.st_size % BLOCK))
        stream.write(bytes(_end(stream.tell())))


def is_archive(path: Path) -> bool:
    """Whether a file looks like a tar archive: whole, or with one of its first headers damaged."""
    with path.open("rb") as stream:
        return any(_has_magic(stream.read(BLOCK)) for _ in range(16))


def inspect(path: Path, faults: list[Fault]) -> list[Member]:
    """Return the members of an archive; whatever of it is not as :func:`pack` writes it is added to ``faults``.

    Content is not looked at. A member whose header is damaged is left out, its name is told.
    """
    return _Inspection(path, faults).members()


def digest(stream: BinaryIO, member: Member) -> str:
    """Return the SHA-256 (hex) of a member's content."""
    hashed = hashlib.sha256()
    for piece in _pieces(stream, member):
        hashed.update(piece)
    return hashed.hexdigest()


def content(stream: BinaryIO, member: Member) -> bytes:
    """Return the content of a small member."""
    return b"".join(_pieces(stream, member))


def unpack(path: Path, members: list[Member], folder: Path) -> None:
    """Write the members of an archive below ``folder``; names that would leave it raise ``BadInput``."""
    with path.open("rb") as stream:
        for member in members:
            target = folder / member.name
            target.parent.mkdir(parents=True, exist_ok=True)
            with target.open("wb") as written:
                for piece in _pieces(stream, member):
                    written.write(piece)
            target.chmod(EXECUTABLE if member.executable else PLAIN)


class _Inspection:
    """Reads an archive from front to end, and finds the way again after a damaged header."""

    def __init__(self, path: Path, faults: list[Fault]) -> None:
        self._path = path
        self._size = path.stat().st_size
        self._faults = faults
        self._root = ""
        self._time: int | None = None

    def members(self) -> list[Member]:
        found: list[Member] = []
        with self._path.open("rb") as stream:
            place = 0
            expected: Iterator[str] = iter(_FIRST)
            while place + BLOCK <= self._size:
                stream.seek(place)
                block = stream.read(BLOCK)
                name = next(expected, "")
                if not any(block) or not (name or _has_magic(block)):
                    break
                member = self._member(block, place, name)
                if member is None:
                    place = self._next_header(stream, place + BLOCK)
                    continue
                found.append(member)
                if member.name == SUMS:
                    expected = iter(parse(content(stream, member)) or {})
                place = member.offset + member.size
                self._zeros(stream, place, -member.size % BLOCK, member.name)
                place += -member.size % BLOCK
            self._tail(stream, place)
        return found

    def _member(self, block: bytes, place: int, expected: str) -> Member | None:
        """The member of a header; None, and a fault, if the header is not one that we write."""
        try:
            info = tarfile.TarInfo.frombuf(block, "utf-8", "strict")
        except (tarfile.HeaderError, UnicodeDecodeError):
            self._faults.append(
                Fault(expected or "?", f"its header in the archive, at byte {place}, is damaged")
            )
            return None
        root, _, name = info.name.partition("/")
        _refuse_escape(self._path, info.name)
        if not self._root:
            self._root, self._time = root, int(info.mtime)
        as_written = _header(info.name, info.size, info.mode == EXECUTABLE, self._time or 0)
        if block != as_written or root != self._root or not name:
            self._faults.append(
                Fault(
                    name or info.name, f"its header in the archive, at byte {place}, is not as it was written"
                )
            )
        if place + BLOCK + info.size > self._size:
            self._faults.append(Fault(name, "the archive ends in the middle of it: truncated"))
            return Member(name, place + BLOCK, max(0, self._size - place - BLOCK), False)
        return Member(name, place + BLOCK, info.size, info.mode == EXECUTABLE)

    def _next_header(self, stream: BinaryIO, place: int) -> int:
        """Where the next sound header of this bundle is, or the zeros at the end."""
        while place + BLOCK <= self._size:
            stream.seek(place)
            block = stream.read(BLOCK)
            if _has_magic(block) and self._is_sound(block):
                break
            if not any(block) and self._size - place <= RECORD + BLOCK and self._zeros_to_end(stream, place):
                break
            place += BLOCK
        return place

    def _is_sound(self, block: bytes) -> bool:
        try:
            name = tarfile.TarInfo.frombuf(block, "utf-8", "strict").name
        except (tarfile.HeaderError, UnicodeDecodeError):
            return False
        return not self._root or name.startswith(f"{self._root}/")

    def _zeros_to_end(self, stream: BinaryIO, place: int) -> bool:
        stream.seek(place)
        return not any(stream.read())

    def _zeros(self, stream: BinaryIO, place: int, length: int, name: str) -> None:
        stream.seek(place)
        if any(stream.read(length)):
            self._faults.append(
                Fault(name, f"the zeros after it in the archive, from byte {place} on, are changed")
            )

    def _tail(self, stream: BinaryIO, place: int) -> None:
        wanted = place + _end(place)
        if self._size < wanted:
            self._faults.append(Fault(self._path.name, "the archive's end is missing: truncated"))
        elif self._size > wanted:
            self._faults.append(
                Fault(self._path.name, f"{plural(self._size - wanted, 'byte')} added at the end")
            )
        self._zeros(stream, place, max(0, min(wanted, self._size) - place), self._path.name)


def _has_magic(block: bytes) -> bool:
    return block[257:262] == b"ustar"


def _order(name: str) -> tuple[int, str]:
    return (_FIRST.index(name) if name in _FIRST else len(_FIRST), name)


def _header(name: str, size: int, executable: bool, time: int) -> bytes:
    info = tarfile.TarInfo(name)
    info.size, info.mtime, info.mode = size, time, EXECUTABLE if executable else PLAIN
    try:
        return info.tobuf(tarfile.USTAR_FORMAT)
    except ValueError as error:
        raise BadInput(
            f"{name}: does not fit into an archive ({error}: at most 8 GiB and some 250 characters); use --folder"
        ) from None


def _end(place: int) -> int:
    """How many zeros end an archive whose last member ends at ``place``: two blocks, and on to a whole record."""
    return 2 * BLOCK + -(place + 2 * BLOCK) % RECORD


def _pieces(stream: BinaryIO, member: Member) -> Iterator[bytes]:
    stream.seek(member.offset)
    left = member.size
    while left and (piece := stream.read(min(left, _PIECE))):
        left -= len(piece)
        yield piece


def _refuse_escape(path: Path, name: str) -> None:
    if name.startswith("/") or ".." in PurePosixPath(name).parts or "\\" in name:
        raise BadInput(f"{path}: the path {name!r} leads out of the bundle; nothing was unpacked")
