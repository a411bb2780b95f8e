"""The list of checksums, and the checksum of the list: two records of everything, so that one damage is always located.

A file that does not match an intact list was changed. A list that does not match its seal was changed itself if every
file still matches it, and so was the seal. ``sha256sum -c SHA256SUMS`` checks the same.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from orchestrator.bundle.layout import SEAL, SUMS
from orchestrator.program import sha256

_FEW = 4
"""Letters that one damaged place of the list may change in one line; two hashes never agree in 60 of 64 by chance."""

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
    lines = [f"{sha256(folder / name)}  {name}\n" for name in everything(folder)]
    (folder / SUMS).write_text("".join(lines), encoding="utf-8")
    identity = sha256(folder / SUMS)
    (folder / SEAL).write_text(_seal_of(identity), encoding="utf-8")
    return identity


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
    intact = sealed == _seal_of(hashlib.sha256(sums).hexdigest()).encode()
    others = list(_compare(listed, found)) if listed is not None else []
    if intact:
        return others
    if listed is not None and not others:  # the list is right, as all files agree with it
        return [Fault(SEAL, "missing" if sealed is None else "changed")]
    if sealed is None:
        return [Fault(SEAL, "missing"), *others]
    if listed is None:
        return [Fault(SUMS, "changed, so that nothing else can be checked")]
    mended = _mended(listed, found)
    if mended == found:
        return [Fault(SUMS, "changed")]
    return [Fault(f"{SUMS} or {SEAL}", "changed"), *_compare(mended, found)]


def _mended(listed: Mapping[str, str], found: Mapping[str, str]) -> dict[str, str]:
    """The list with those lines put right that differ from a file by few letters: no changed file has nearly the hash."""
    lost = [name for name in found if name not in listed]
    mended = {}
    for name, hashed in listed.items():
        if name not in found:
            name = next((other for other in lost if _near(name, other)), name)
        mended[name] = found[name] if _near(hashed, found.get(name, "")) else hashed
    return mended


def _near(one: str, other: str) -> bool:
    return len(one) == len(other) and sum(a != b for a, b in zip(one, other, strict=True)) <= _FEW


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


def _seal_of(identity: str) -> str:
    return f"{identity}  {SUMS}\n"
