"""A bundle that is opened: a folder, or an archive of one. Nothing is believed of it before it was checked."""

from __future__ import annotations

import hashlib
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from orchestrator.bundle import archive, checksums, layout
from orchestrator.bundle.checksums import Fault
from orchestrator.bundle.layout import SEAL, SUMS
from orchestrator.errors import BadInput
from orchestrator.source_tree import sha256


@dataclass(frozen=True, slots=True)
class Verified:
    """What became of a check.

    :ivar identity: the bundle's id, the SHA-256 (hex) of its list of checksums; empty where there is no list.
    :ivar files: number of files that were looked at; ``faults``: what is not as it was.
    """

    identity: str
    files: int
    faults: tuple[Fault, ...]


def verify(path: Path) -> Verified:
    """Compare every byte of a bundle with what it was; ``BadInput`` where ``path`` is no bundle at all."""
    if path.is_dir():
        return _verify_folder(path)
    _require_archive(path)
    envelope: list[Fault] = []
    members = archive.inspect(path, envelope)
    with path.open("rb") as stream:
        small = {m.name: archive.content(stream, m) for m in members if m.name in (SUMS, SEAL)}
        found = {m.name: archive.digest(stream, m) for m in members if m.name not in small}
    repeated = {m.name for m in members if sum(m.name == other.name for other in members) > 1}
    envelope += [Fault(name, "is twice in the archive") for name in sorted(repeated)]
    told = {fault.file for fault in envelope}
    inner = [
        fault for fault in checksums.faults(small.get(SUMS), small.get(SEAL), found) if fault.file not in told
    ]
    return _verified(small.get(SUMS), len(members), (*envelope, *inner))


@contextmanager
def opened(path: Path) -> Iterator[Path]:
    """Give a bundle's folder, unpacked for the time being if it is an archive, and known to be as it was.

    Raises ``BadInput`` with every fault.
    """
    verified = verify(path)
    if verified.faults:
        raise BadInput(*(f"{path}: {fault}" for fault in verified.faults))
    if path.is_dir():
        yield path
        return
    with tempfile.TemporaryDirectory(prefix="bundle-") as temporary:
        archive.unpack(path, archive.inspect(path, []), Path(temporary))
        yield Path(temporary)


def _verify_folder(folder: Path) -> Verified:
    if not any((folder / name).exists() for name in (SUMS, SEAL, layout.DESCRIPTION)):
        raise BadInput(f"{folder} is not a bundle: it has no {SUMS}")
    found: dict[str, str] = {}
    for name in checksums.everything(folder):
        path = folder / name
        if not stat.S_ISREG(path.lstat().st_mode):
            found[name] = ""
        elif name not in (SUMS, SEAL):
            found[name] = _hash(path)
    sums, sealed = (_content(folder / name) for name in (SUMS, SEAL))
    return _verified(sums, len(found) + 2, tuple(checksums.faults(sums, sealed, found)))


def _verified(sums: bytes | None, files: int, faults: tuple[Fault, ...]) -> Verified:
    return Verified(hashlib.sha256(sums).hexdigest() if sums is not None else "", files, faults)


def _hash(path: Path) -> str:
    try:
        return sha256(path)
    except PermissionError:
        return ""


def _content(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None


def _require_archive(path: Path) -> None:
    try:
        if archive.is_archive(path):
            return
    except FileNotFoundError:
        raise BadInput(f"there is no bundle {path}") from None
    except OSError as error:
        raise BadInput(f"{path}: {error.strerror}") from None
    raise BadInput(
        f"{path} is not a bundle: neither a folder nor a tar archive of one, as `orchestrate export` writes it"
    )
