"""Verify a bundle, a directory or an archive, and open it only if it is intact."""

from __future__ import annotations

import hashlib
import stat
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from msgspec import Struct

from orchestrator.activities import doing
from orchestrator.bundle import archive, checksums, compressed, layout
from orchestrator.bundle.checksums import Damage
from orchestrator.bundle.layout import SUMS, SUMS_CHECKSUM
from orchestrator.bundle.origin import Origin
from orchestrator.errors import BadInput
from orchestrator.source_tree import sha256
from orchestrator.units import plural

ANY_ORIGIN = Origin()
DAMAGE_SHOWN = 20
_ALL = "orchestrate verify -v lists all"


class VerifyResult(Struct, frozen=True):
    """The result of a verification.

    :ivar identity: the bundle's id, the SHA-256 (hex) of its ``SHA256SUMS``; empty if that file is missing.
    :ivar files: number of files that were checked.
    :ivar damage: every difference from the bundle as it was exported; empty if it is intact.
    :ivar sums: the content of ``SHA256SUMS``, which a signature signs.
    """

    identity: str
    files: int
    damage: tuple[Damage, ...]
    sums: bytes = b""

    def summary(self) -> list[str]:
        """Return the damage in a few lines; one line for an archive that was cut."""
        cut = next((one for one in self.damage if one.problem.startswith(archive.TRUNCATED)), None)
        if cut is not None and len(self.damage) > 1:
            return [f"{cut}; {plural(len(self.damage) - 1, 'more file')} missing or damaged ({_ALL})"]
        lines = [str(one) for one in self.damage[:DAMAGE_SHOWN]]
        more = len(self.damage) - len(lines)
        return [*lines, f"... and {plural(more, 'more damaged file')} ({_ALL})"] if more else lines


def verify(path: Path) -> VerifyResult:
    """Check every byte of a bundle; ``BadInput`` if ``path`` is not a bundle."""
    with doing(path.name, "checking the bundle"):
        return _verify(path)


def _verify(path: Path) -> VerifyResult:
    if _is_folder(path):
        return _verify_folder(path)
    with compressed.plain(path) as plain:
        return _verify_archive(plain)


def _verify_archive(path: Path) -> VerifyResult:
    archive_damage: list[Damage] = []
    members = archive.read_members(path, archive_damage)
    with path.open("rb") as stream:
        sums = {m.name: archive.content(stream, m) for m in members if m.name in (SUMS, SUMS_CHECKSUM)}
        hashes = {m.name: archive.digest(stream, m) for m in members if m.name not in sums}
    counts = Counter(member.name for member in members)
    archive_damage += [
        Damage(name, "more than once in the archive") for name in sorted(counts) if counts[name] > 1
    ]
    named = {one.file for one in archive_damage}
    content_damage = checksums.find_damage(sums.get(SUMS), sums.get(SUMS_CHECKSUM), hashes)
    damage = (*archive_damage, *(one for one in content_damage if one.file not in named))
    return _result(sums.get(SUMS), len(members), damage)


@contextmanager
def open_bundle(path: Path, origin: Origin = ANY_ORIGIN) -> Iterator[Path]:
    """Verify a bundle and yield its directory; an archive is unpacked into a temporary one.

    Raises ``BadInput`` with the damage, or if it is of another origin.
    """
    result = verify(path)
    if result.damage:
        raise BadInput(*(f"{path}: {line}" for line in result.summary()))
    if origin != ANY_ORIGIN:
        origin.check(path, result.identity, result.sums)
    if path.is_dir():
        yield path
        return
    with tempfile.TemporaryDirectory(prefix="bundle-") as temporary:
        with compressed.plain(path) as plain:
            archive.unpack(plain, archive.read_members(plain, []), Path(temporary))
        yield Path(temporary)


def _verify_folder(folder: Path) -> VerifyResult:
    if not any((folder / name).exists() for name in (SUMS, SUMS_CHECKSUM, layout.DESCRIPTION)):
        raise BadInput(f"{folder} is not a bundle: {SUMS} is missing")
    hashes: dict[str, str] = {}
    for name in checksums.list_files(folder):
        if name not in (SUMS, SUMS_CHECKSUM):
            hashes[name] = _hash(folder / name)
    sums, sums_checksum = (_content(folder / name) for name in (SUMS, SUMS_CHECKSUM))
    return _result(sums, len(hashes) + 2, tuple(checksums.find_damage(sums, sums_checksum, hashes)))


def _result(sums: bytes | None, files: int, damage: tuple[Damage, ...]) -> VerifyResult:
    identity = hashlib.sha256(sums).hexdigest() if sums is not None else ""
    return VerifyResult(identity, files, damage, sums or b"")


def _is_regular(path: Path) -> bool:
    """Whether a file is no link, which could lead anywhere, and no FIFO or device, which could be read for ever."""
    return stat.S_ISREG(path.lstat().st_mode)


def _hash(path: Path) -> str:
    """Return the hash of a file; empty if it cannot be read."""
    try:
        return sha256(path) if _is_regular(path) else ""
    except OSError:
        return ""


def _content(path: Path) -> bytes | None:
    """Return the content of a checksum file, of one that is too large its start; empty if it cannot be read."""
    try:
        if not _is_regular(path):
            return b""
        with path.open("rb") as stream:
            return stream.read(checksums.LARGEST + 1)
    except FileNotFoundError:
        return None
    except OSError:
        return b""


def _is_folder(path: Path) -> bool:
    """Whether a bundle is a directory, not an archive; ``BadInput`` if it is neither."""
    try:
        mode = path.stat().st_mode
        if stat.S_ISDIR(mode):
            return True
        if stat.S_ISREG(mode) and (compressed.is_compressed(path) or archive.is_archive(path)):
            return False
    except OSError as error:
        raise BadInput(f"{path}: {error.strerror}") from None
    raise archive.no_bundle(path)
