"""Compressed files, by the ending of their name."""

from __future__ import annotations

import bz2
import gzip
import lzma
import subprocess
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO, Any

from orchestrator.errors import KernelError
from orchestrator.kernels.programs import failure_reason
from orchestrator.units import format_size

_OPEN: Mapping[str, Callable[[Path], Any]] = {
    ".gz": gzip.open,
    ".bz2": bz2.open,
    ".xz": lzma.open,
    ".lzma": lzma.open,
}
_PROGRAMS = {".zst": "zstd", ".lz": "lzip"}


def read(path: Path, most: int) -> bytes:
    """Return the decompressed content of a file; of a file without a known ending the content as it is.

    Raises ``KernelError`` with the path if the file is damaged, has more than ``most`` bytes, which a few bytes may
    decompress to, or the program for it is not installed, and ``OSError`` if it cannot be read.
    """
    if program := _PROGRAMS.get(path.suffix):
        return _output(program, path, most)
    if path.suffix not in _OPEN:
        with path.open("rb") as stream:
            return _bounded(stream, path, most)
    path.open("rb").close()  # an OSError after this one is damage
    try:
        with _OPEN[path.suffix](path) as stream:
            return _bounded(stream, path, most)
    except (OSError, EOFError, ValueError, lzma.LZMAError, zlib.error):
        raise _damaged(path) from None


def _output(program: str, path: Path, most: int) -> bytes:
    try:
        with subprocess.Popen(
            [program, "-dcq", path], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        ) as process:
            assert process.stdout is not None
            try:
                content = _bounded(process.stdout, path, most)
            except KernelError:
                process.kill()
                raise
    except FileNotFoundError as error:
        raise KernelError(f"{path}: {failure_reason(error, program)}") from None
    if process.returncode:
        raise _damaged(path)
    return content


def _bounded(stream: IO[bytes], path: Path, most: int) -> bytes:
    content = stream.read(most + 1)
    if len(content) > most:
        raise KernelError(f"{path}: larger than {format_size(most)}")
    return content


def _damaged(path: Path) -> KernelError:
    return KernelError(f"{path}: damaged, or not a {path.suffix} file")
