"""Bundles that somebody has compressed: `export` does not, but a mail or a web server may ask for it."""

from __future__ import annotations

import bz2
import gzip
import lzma
import subprocess
import tempfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from orchestrator.errors import BadInput
from orchestrator.units import format_size

LARGEST = 32 << 30
"""Bytes of an archive, which a few bytes may decompress to."""

SUFFIXES = (".gz", ".bz2", ".xz", ".zst")
_CHUNK = 1 << 20
_ZSTD = b"\x28\xb5\x2f\xfd"
_OPEN: Mapping[bytes, Callable[[Path], Any]] = {
    b"\x1f\x8b": gzip.open,
    b"BZh": bz2.open,
    b"\xfd7zXZ\0": lzma.open,
}
"""By the first bytes of a file, see file(1)."""


def is_compressed(path: Path) -> bool:
    """Whether a file begins as a compressed one does. Raises ``OSError`` if it cannot be read."""
    with path.open("rb") as stream:
        return stream.read(8).startswith((*_OPEN, _ZSTD))


@contextmanager
def plain(path: Path, largest: int = LARGEST) -> Iterator[Path]:
    """Yield a file as it is, of a compressed one a decompressed copy, gone afterwards. ``BadInput`` if damaged."""
    if not path.is_file() or not is_compressed(path):
        yield path
        return
    with tempfile.NamedTemporaryFile(prefix="bundle-", suffix=".tar") as copy:
        try:
            with _opened(path) as stream:
                _copy(stream, copy, path, largest)
        except (EOFError, ValueError, lzma.LZMAError, zlib.error, gzip.BadGzipFile):
            raise BadInput(f"{path}: cannot be decompressed: damaged") from None
        copy.flush()
        yield Path(copy.name)


@contextmanager
def _opened(path: Path) -> Iterator[IO[bytes]]:
    with path.open("rb") as stream:
        start = stream.read(8)
    opener = next((function for magic, function in _OPEN.items() if start.startswith(magic)), None)
    if opener is not None:
        with opener(path) as stream:
            yield stream
        return
    try:
        process = subprocess.Popen(["zstd", "-dcq", path], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    except FileNotFoundError:
        raise BadInput(f"{path}: cannot be decompressed: zstd: command not found") from None
    with process:
        assert process.stdout is not None
        try:
            yield process.stdout
        except BaseException:
            process.kill()
            raise
    if process.returncode:
        raise ValueError


def _copy(stream: IO[bytes], target: IO[bytes], path: Path, largest: int) -> None:
    size = 0
    while chunk := stream.read(_CHUNK):
        size += len(chunk)
        if size > largest:
            raise BadInput(f"{path}: decompresses to more than {format_size(largest)}")
        target.write(chunk)
