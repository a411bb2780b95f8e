"""``SHA256SUMS``, the checksums of a bundle's files, and ``SHA256SUMS.sha256``, the checksum of that file.

``sha256sum -c`` checks both. The second file locates damage of the first: if the two disagree, SHA256SUMS is computed
again from the files. If the new content matches SHA256SUMS.sha256, SHA256SUMS was damaged. If all files match
SHA256SUMS, SHA256SUMS.sha256 was damaged.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from msgspec import Struct

from orchestrator.bundle.layout import SUMS, SUMS_CHECKSUM
from orchestrator.source_tree import sha256

_LINE = re.compile(r"([0-9a-f]{64})  (.+)")


class Damage(Struct, frozen=True):
    """A difference from the bundle as it was exported: a file, by its path in the bundle, and its problem."""

    file: str
    problem: str

    def __str__(self) -> str:
        return f"{self.file}: {self.problem}"


def write(folder: Path) -> str:
    """Write both files into a directory that is otherwise complete; return the bundle's id, SHA-256 of SHA256SUMS."""
    sums = _format({name: sha256(folder / name) for name in list_files(folder)})
    (folder / SUMS).write_bytes(sums)
    (folder / SUMS_CHECKSUM).write_bytes(_checksum(sums))
    return hashlib.sha256(sums).hexdigest()


def list_files(folder: Path) -> list[str]:
    """Return the relative paths of everything in a directory except directories, sorted; also links and devices."""
    paths = (path for path in folder.rglob("*") if path.is_symlink() or not path.is_dir())
    return sorted(path.relative_to(folder).as_posix() for path in paths)


def parse(content: bytes) -> dict[str, str] | None:
    """Return the hash of each file listed in ``SHA256SUMS``; None if the content is damaged."""
    try:
        text = content.decode()
    except UnicodeDecodeError:
        return None
    matches = [_LINE.fullmatch(line) for line in text.split("\n")[:-1]]
    hashes = {match[2]: match[1] for match in matches if match}
    complete = text.endswith("\n") and len(hashes) == len(matches)
    return hashes if complete and list(hashes) == sorted(hashes) else None


def find_damage(sums: bytes | None, sums_checksum: bytes | None, hashes: Mapping[str, str]) -> list[Damage]:
    """Return all damage, that of the two checksum files first.

    :param sums: content of ``SHA256SUMS``; ``sums_checksum``: of ``SHA256SUMS.sha256``; None if missing.
    :param hashes: SHA-256 (hex) of every other file; empty if the file cannot be read.
    """
    if sums is None:
        return [Damage(SUMS, "missing, so nothing can be checked")]
    listed = parse(sums)
    others = list(_compare(listed, hashes)) if listed is not None else []
    if sums_checksum == _checksum(sums):
        return others
    if sums_checksum == _checksum(_format(hashes)):  # the files are intact
        return [Damage(SUMS, "modified")]
    if sums_checksum is None:
        return [Damage(SUMS_CHECKSUM, "missing"), *others]
    if listed is None:
        return [Damage(SUMS, "modified, so nothing else can be checked")]
    if not others:
        return [Damage(SUMS_CHECKSUM, "modified")]
    return [
        Damage(SUMS, f"does not match {SUMS_CHECKSUM}; other files are still checked against it"),
        *others,
    ]


def _compare(listed: Mapping[str, str], hashes: Mapping[str, str]) -> Iterator[Damage]:
    for name in sorted({*listed, *hashes}):
        if name not in hashes:
            yield Damage(name, "missing")
        elif name not in listed:
            yield Damage(name, "not part of the bundle")
        elif not hashes[name]:
            yield Damage(name, "cannot be read")
        elif hashes[name] != listed[name]:
            yield Damage(name, "modified")


def _format(hashes: Mapping[str, str]) -> bytes:
    return "".join(f"{hashes[name]}  {name}\n" for name in sorted(hashes)).encode()


def _checksum(sums: bytes) -> bytes:
    return f"{hashlib.sha256(sums).hexdigest()}  {SUMS}\n".encode()
