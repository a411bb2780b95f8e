"""A bundle as one file: a tar archive whose every byte is determined by the files in it.

Members have one parent directory, sorted names, one modification time and no owner. Headers are POSIX ustar; padding is
zeros. A reader can therefore compute each header again and compare it, so that no byte of the archive goes unchecked.
The archive is not compressed. The output of a compressor depends on its version, and one damaged bit would destroy
everything after it.
"""

from __future__ import annotations

import hashlib
import tarfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from msgspec import Struct

from orchestrator.bundle.checksums import LARGEST, MOST_FILES, Damage, list_files, parse
from orchestrator.bundle.layout import SUMS, SUMS_CHECKSUM
from orchestrator.errors import BadInput
from orchestrator.units import plural

BLOCK = tarfile.BLOCKSIZE
RECORD = tarfile.RECORDSIZE
PLAIN, EXECUTABLE = 0o644, 0o755
TRUNCATED = "truncated"
_CHUNK = 1 << 20
_LOOKED_AT = 16 * BLOCK
_FIRST = (SUMS_CHECKSUM, SUMS)
"""These come first, so that a reader knows the names of all other members."""


class Member(Struct, frozen=True):
    """A file in an archive: its path in the bundle (without the parent directory) and the position of its content."""

    name: str
    offset: int
    size: int
    executable: bool


def pack(folder: Path, target: Path, time: int) -> None:
    """Write the files of ``folder`` into the archive ``target``, all with modification time ``time`` (Unix seconds)."""
    names = sorted(list_files(folder), key=_order)
    with target.open("wb") as stream:
        for name in names:
            path = folder / name
            status = path.stat()
            executable = bool(status.st_mode & 0o100)
            try:
                stream.write(_header(f"{folder.name}/{name}", status.st_size, executable, time))
            except ValueError:
                raise BadInput(
                    f"{name}: file too large (limit: 8 GiB) or path too long (limits: 100 bytes for the name, 155 for "
                    "its directory) for a tar archive; export a directory with --directory"
                ) from None
            with path.open("rb") as content:
                while chunk := content.read(_CHUNK):
                    stream.write(chunk)
            stream.write(bytes(-status.st_size % BLOCK))
        stream.write(bytes(_end(stream.tell())))


def is_archive(path: Path) -> bool:
    """Whether a file looks like a tar archive, even if some of its first headers are damaged."""
    with path.open("rb") as stream:
        return begins(stream.read(_LOOKED_AT))


def begins(content: bytes) -> bool:
    """Whether the first bytes of a file look like those of a tar archive, even if some headers are damaged."""
    return any(_has_magic(content[at : at + BLOCK]) for at in range(0, _LOOKED_AT, BLOCK))


def no_bundle(path: Path) -> BadInput:
    """Return the error for a file that is no bundle."""
    return BadInput(f"{path} is not a bundle: neither a directory nor a tar archive by `orchestrate export`")


def read_members(path: Path, damage: list[Damage]) -> list[Member]:
    """Return the members of an archive, and add to ``damage`` everything that :func:`pack` would write differently.

    The content of members is not checked. A member with an unreadable header is left out.
    """
    return _Reader(path, damage).members()


def digest(stream: BinaryIO, member: Member) -> str:
    """Return the SHA-256 (hex) of a member's content."""
    hashed = hashlib.sha256()
    for chunk in _chunks(stream, member):
        hashed.update(chunk)
    return hashed.hexdigest()


def content(stream: BinaryIO, member: Member) -> bytes:
    """Return the content of a checksum file; of one that is too large, its start."""
    stream.seek(member.offset)
    return stream.read(min(member.size, LARGEST + 1))


def unpack(path: Path, members: list[Member], folder: Path) -> None:
    """Write the members of a verified archive below ``folder``."""
    with path.open("rb") as stream:
        for member in members:
            target = folder / member.name
            target.parent.mkdir(parents=True, exist_ok=True)
            with target.open("wb") as written:
                for chunk in _chunks(stream, member):
                    written.write(chunk)
            target.chmod(EXECUTABLE if member.executable else PLAIN)


class _Reader:
    """Reads an archive from start to end; after a damaged header it continues at the next sound one."""

    def __init__(self, path: Path, damage: list[Damage]) -> None:
        self._path = path
        self._size = path.stat().st_size
        self._damage = damage
        self._root = ""
        self._time: int | None = None

    def members(self) -> list[Member]:
        members: list[Member] = []
        with self._path.open("rb") as stream:
            position = 0
            headers = 0
            expected: Iterator[str] = iter(_FIRST)
            while position + BLOCK <= self._size:
                stream.seek(position)
                block = stream.read(BLOCK)
                name = next(expected, "")
                if not any(block) or not (name or _has_magic(block)):
                    break
                headers += 1
                if headers > MOST_FILES + len(_FIRST):
                    raise BadInput(f"not a bundle: the archive has more than {MOST_FILES} files")
                member = self._member(block, position, name)
                if member is None:
                    position = self._next_header(stream, position + BLOCK)
                    continue
                members.append(member)
                if member.name == SUMS:
                    expected = iter(parse(content(stream, member)) or {})
                position = member.offset + member.size
                self._check_zeros(stream, position, -member.size % BLOCK, member.name)
                position += -member.size % BLOCK
            self._check_end(stream, position)
        return members

    def _member(self, block: bytes, position: int, expected: str) -> Member | None:
        """Return the member of a header; None if the header is unreadable."""
        try:
            info = tarfile.TarInfo.frombuf(block, "utf-8", "strict")
            time = int(info.mtime) if self._time is None else self._time
            as_written = _header(info.name, info.size, info.mode == EXECUTABLE, time)
        except (tarfile.HeaderError, ValueError):  # no text, or a number that `pack` cannot write
            self._damage.append(
                Damage(expected or self._path.name, f"damaged header in the archive, at byte {position}")
            )
            return None
        _require_inside(self._path, info.name)
        root, _, below = info.name.partition("/")
        name = below or info.name
        if not self._root:
            self._root, self._time = root, time
        if block != as_written or root != self._root or not below:
            self._damage.append(Damage(name, f"modified header in the archive, at byte {position}"))
        if position + BLOCK + info.size > self._size:
            self._damage.append(Damage(name, f"{TRUNCATED}: the archive ends inside this file"))
            return Member(name, position + BLOCK, max(0, self._size - position - BLOCK), False)
        return Member(name, position + BLOCK, info.size, info.mode == EXECUTABLE)

    def _next_header(self, stream: BinaryIO, position: int) -> int:
        """Return the position of the next sound header of this bundle, or of the zeros at the end."""
        while position + BLOCK <= self._size:
            stream.seek(position)
            block = stream.read(BLOCK)
            if _has_magic(block) and self._is_sound(block):
                break
            if (
                not any(block)
                and self._size - position <= RECORD + BLOCK
                and self._only_zeros_follow(stream, position)
            ):
                break
            position += BLOCK
        return position

    def _is_sound(self, block: bytes) -> bool:
        try:
            name = tarfile.TarInfo.frombuf(block, "utf-8", "strict").name
        except (tarfile.HeaderError, UnicodeDecodeError):
            return False
        return not self._root or name.startswith(f"{self._root}/")

    def _only_zeros_follow(self, stream: BinaryIO, position: int) -> bool:
        stream.seek(position)
        return not any(stream.read())

    def _check_zeros(self, stream: BinaryIO, position: int, length: int, name: str) -> None:
        stream.seek(position)
        if any(stream.read(length)):
            self._damage.append(Damage(name, f"modified padding in the archive, after byte {position}"))

    def _check_end(self, stream: BinaryIO, position: int) -> None:
        expected_size = position + _end(position)
        if self._size < expected_size:
            self._damage.append(Damage(self._path.name, f"{TRUNCATED}: the end of the archive is missing"))
        elif self._size > expected_size:
            self._damage.append(
                Damage(
                    self._path.name,
                    f"{plural(self._size - expected_size, 'byte')} after the end of the archive",
                )
            )
        self._check_zeros(
            stream, position, max(0, min(expected_size, self._size) - position), self._path.name
        )


def _has_magic(block: bytes) -> bool:
    return block[257:262] == b"ustar"


def _order(name: str) -> tuple[int, str]:
    return (_FIRST.index(name) if name in _FIRST else len(_FIRST), name)


def _header(name: str, size: int, executable: bool, time: int) -> bytes:
    """Return a member's header; ``ValueError`` if it has no room for one of the values."""
    info = tarfile.TarInfo(name)
    info.size, info.mtime, info.mode = size, time, EXECUTABLE if executable else PLAIN
    return info.tobuf(tarfile.USTAR_FORMAT)


def _end(position: int) -> int:
    """Return the number of zeros that end an archive whose last member ends at ``position``.

    They are two blocks, and more up to a full record.
    """
    return 2 * BLOCK + -(position + 2 * BLOCK) % RECORD


def _chunks(stream: BinaryIO, member: Member) -> Iterator[bytes]:
    stream.seek(member.offset)
    remaining = member.size
    while remaining and (chunk := stream.read(min(remaining, _CHUNK))):
        remaining -= len(chunk)
        yield chunk


def _require_inside(path: Path, name: str) -> None:
    if name.startswith("/") or ".." in PurePosixPath(name).parts or "\\" in name:
        raise BadInput(f"{path}: {name!r} is outside the bundle's directory; nothing was unpacked")
