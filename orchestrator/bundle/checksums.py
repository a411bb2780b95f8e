"""The list of checksums, and the checksum of the list: two records of everything, so one damage is located.

The seal is of the list, and the list follows from the files. So where the list does not match its seal, a list made
anew from the files tells which it was: the list, if that one matches the seal; the seal, if the files match the list.
``sha256sum -c SHA256SUMS`` checks the same.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from orchestrator.bundle.layout import SEAL, SUMS
from orchestrator.source_tree import sha256

_LINE = re.compile(r"([0-9a-f]{64})  (.+)")


@dataclass(frozen=True, slots=True)
class Fault:
    """Something of a bundle that is not as it was: the file's path in the bundle, and what is wrong with it."""

    file: str
    what: str

    def __str__(self) -> str:
        return f"{self.file}: {self.what}"


def seal(folder: Path) -> str:
    """Write list and seal of a folder that is otherwise complete; return the bundle's id, the SHA-256 of the list."""
    sums = _list_of({name: sha256(folder / name) for name in everything(folder)})
    (folder / SUMS).write_bytes(sums)
    (folder / SEAL).write_bytes(_seal_of(sums))
    return hashlib.sha256(sums).hexdigest()


def everything(folder: Path) -> list[str]:
    """Return the paths of all that is in a folder and not a folder itself, sorted; links and devices too."""
    found = (path for path in folder.rglob("*") if path.is_symlink() or not path.is_dir())
    return sorted(path.relative_to(folder).as_posix() for path in found)


def parse(content: bytes) -> dict[str, str] | None:
    """Return the hash of each file of a list; None where it is not such a list, sorted and each line whole."""
    try:
        text = content.decode()
    except UnicodeDecodeError:
        return None
    matches = [_LINE.fullmatch(line) for line in text.split("\n")[:-1]]
    hashes = {match[2]: match[1] for match in matches if match}
    whole = text.endswith("\n") and len(hashes) == len(matches)
    return hashes if whole and list(hashes) == sorted(hashes) else None


def faults(sums: bytes | None, sealed: bytes | None, found: Mapping[str, str]) -> list[Fault]:
    """Return what is wrong, the list and its seal first.

    :param sums: content of the list, ``sealed`` of its seal; None where there is none.
    :param found: SHA-256 (hex) of every other file that is there; empty text: it cannot be read.
    """
    if sums is None:
        return [Fault(SUMS, "missing, so nothing can be checked")]
    listed = parse(sums)
    others = list(_compare(listed, found)) if listed is not None else []
    if sealed == _seal_of(sums):
        return others
    if sealed == _seal_of(_list_of(found)):  # the files are what the seal is of
        return [Fault(SUMS, "changed")]
    if sealed is None:
        return [Fault(SEAL, "missing"), *others]
    if listed is None:
        return [Fault(SUMS, "changed, so that nothing else can be checked")]
    if not others:
        return [Fault(SEAL, "changed")]
    return [Fault(f"{SUMS} or {SEAL}", "changed; what follows is by the list as it is"), *others]


def _compare(listed: Mapping[str, str], found: Mapping[str, str]) -> Iterator[Fault]:
    for name in sorted({*listed, *found}):
        if name not in found:
            yield Fault(name, "missing")
        elif name not in listed:
            yield Fault(name, "added: it is not part of the bundle")
        elif not found[name]:
            yield Fault(name, "cannot be read")
        elif found[name] != listed[name]:
            yield Fault(name, "changed")


def _list_of(hashes: Mapping[str, str]) -> bytes:
    return "".join(f"{hashes[name]}  {name}\n" for name in sorted(hashes)).encode()


def _seal_of(sums: bytes) -> bytes:
    return f"{hashlib.sha256(sums).hexdigest()}  {SUMS}\n".encode()
