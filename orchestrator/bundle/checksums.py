"""``SHA256SUMS``, the checksums of a bundle's files, and ``SHA256SUMS.sha256``, the checksum of that file.

``sha256sum -c`` checks both. The second file locates damage of the first: if the two disagree, SHA256SUMS is computed
again from the files. If the new content matches SHA256SUMS.sha256, SHA256SUMS was damaged. If all files match
SHA256SUMS, SHA256SUMS.sha256 was damaged.
"""

from __future__ import annotations

import hashlib
import io
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import pairwise
from pathlib import Path

from msgspec import Struct

from orchestrator.bundle.layout import SUMS, SUMS_CHECKSUM, is_portable
from orchestrator.errors import BadInput
from orchestrator.source_tree import sha256

LARGEST = 16 << 20
"""The most bytes of ``SHA256SUMS``: it is read at once, whoever wrote it."""

MOST_FILES = 100_000
"""The most files beside the two of this module: those of an archive of a few MB can be a million, all empty."""

_LINE = re.compile(r"([0-9a-f]{64})  (.+)\n")


class Damage(Struct, frozen=True):
    """A difference from the bundle as it was exported: a file, by its path in the bundle, and its problem."""

    file: str
    problem: str

    def __str__(self) -> str:
        name = self.file if self.file.isprintable() else repr(self.file)  # one line, whatever the name
        return f"{name}: {self.problem}"


def write(folder: Path) -> str:
    """Write both files into a directory that is otherwise complete; return the bundle's id, SHA-256 of SHA256SUMS."""
    names = list_files(folder)
    if len(names) > MOST_FILES:
        raise BadInput(f"{folder.name}: too many files for a bundle: {len(names)}, at most {MOST_FILES}")
    sums = _format({name: sha256(folder / name) for name in names})
    if len(sums) > LARGEST:
        raise BadInput(
            f"{folder.name}: too many files for a bundle: {SUMS} is larger than {LARGEST >> 20} MiB"
        )
    (folder / SUMS).write_bytes(sums)
    (folder / SUMS_CHECKSUM).write_bytes(_checksum(sums))
    return hashlib.sha256(sums).hexdigest()


def list_files(folder: Path) -> list[str]:
    """Return the relative paths of everything in a directory except directories, sorted; also links and devices."""
    files: list[str] = []
    folders = [str(folder)]
    while folders:
        try:
            with os.scandir(folders.pop()) as entries:
                for entry in entries:
                    (folders if entry.is_dir(follow_symlinks=False) else files).append(entry.path)
        except OSError as error:
            raise BadInput(f"{error.filename}: {error.strerror}") from None
    return sorted(Path(path).relative_to(folder).as_posix() for path in files)


def parse(content: bytes) -> dict[str, str] | None:
    """Return the hash of each file listed in ``SHA256SUMS``; None if :func:`write` cannot have written the content."""
    if len(content) > LARGEST:
        return None
    hashes: dict[str, str] = {}
    last = ""
    try:
        for line in io.BytesIO(content):
            match = _LINE.fullmatch(line.decode())
            if match is None or match[2] <= last or not is_portable(match[2]):
                return None
            last = match[2]
            hashes[last] = match[1]
    except UnicodeDecodeError:
        return None
    return hashes if hashes and not _overlap({*hashes, SUMS, SUMS_CHECKSUM}) else None


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
        return others if listed is not None else [Damage(SUMS, "malformed, so nothing can be checked")]
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


def _overlap(names: Iterable[str]) -> bool:
    """Whether a file would also be a directory, such as ``a`` beside ``a/b``."""
    paths = sorted(name.split("/") for name in names)
    return any(below[: len(path)] == path for path, below in pairwise(paths))


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
    return "".join(f"{hashes[name]}  {name}\n" for name in sorted(hashes)).encode("utf-8", "surrogateescape")


def _checksum(sums: bytes) -> bytes:
    return f"{hashlib.sha256(sums).hexdigest()}  {SUMS}\n".encode()
