"""Bundles that somebody has compressed: `export` does not, but a mail or a web server may ask for it."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from orchestrator.bundle import archive
from orchestrator.decompression import Damaged, NoProgram, Stream, opened
from orchestrator.errors import BadInput
from orchestrator.units import format_size

_CHUNK = 1 << 20
_KINDS: Mapping[bytes, str] = {
    b"\x1f\x8b": ".gz",
    b"BZh": ".bz2",
    b"\xfd7zXZ\0": ".xz",
    b"\x28\xb5\x2f\xfd": ".zst",
}
"""By the first bytes of a file, see file(1)."""
SUFFIXES = tuple(_KINDS.values())


def is_compressed(path: Path) -> bool:
    """Whether a file begins as a compressed one does. Raises ``OSError`` if it cannot be read."""
    return bool(_kind(path))


@contextmanager
def plain(path: Path, largest: int | None = None) -> Iterator[Path]:
    """Yield an archive as it is, of a compressed one a decompressed copy, gone afterwards.

    Raises ``BadInput`` if it is damaged, is no archive, or decompresses to more than ``largest`` bytes, which a few
    bytes may: by default half of what is free for temporary files.
    """
    kind = _kind(path)
    if not kind:
        yield path
        return
    with tempfile.NamedTemporaryFile(prefix="bundle-", suffix=".tar") as copy:
        most = shutil.disk_usage(copy.name).free // 2 if largest is None else largest
        try:
            with opened(path, kind) as stream:
                _copy(stream, copy, path, most)
        except Damaged:
            raise BadInput(f"{path}: cannot be decompressed: damaged") from None
        except NoProgram as error:
            raise BadInput(f"{path}: cannot be decompressed: {error.program}: command not found") from None
        except OSError as error:
            raise BadInput(f"{path}: cannot be decompressed: {error.strerror}") from None
        yield Path(copy.name)


def _kind(path: Path) -> str:
    with path.open("rb") as stream:
        start = stream.read(8)
    return next((kind for magic, kind in _KINDS.items() if start.startswith(magic)), "")


def _copy(stream: Stream, target: IO[bytes], path: Path, most: int) -> None:
    size = 0
    while chunk := stream.read(_CHUNK):
        if not size and not archive.begins(chunk):
            raise archive.no_bundle(path)
        size += len(chunk)
        if size > most:
            raise BadInput(f"{path}: decompresses to more than {format_size(most)}")
        target.write(chunk)
    target.flush()
