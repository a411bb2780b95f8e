"""Compressed files, by the ending of their name."""

from __future__ import annotations

import bz2
import gzip
import lzma
import subprocess
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path

from orchestrator.errors import KernelError
from orchestrator.kernels.programs import failure_reason

_MODULES: Mapping[str, Callable[[bytes], bytes]] = {
    ".gz": gzip.decompress,
    ".bz2": bz2.decompress,
    ".xz": lzma.decompress,
    ".lzma": lzma.decompress,
}
_PROGRAMS = {".zst": "zstd", ".lz": "lzip"}


def read(path: Path) -> bytes:
    """Return the decompressed content of a file; of a file without a known ending the content as it is.

    Raises ``KernelError`` with the path if the file is damaged or the program for it is not installed, and ``OSError``
    if it cannot be read.
    """
    if program := _PROGRAMS.get(path.suffix):
        try:
            return subprocess.run([program, "-dcq", path], capture_output=True, check=True).stdout
        except FileNotFoundError as error:
            raise KernelError(f"{path}: {failure_reason(error, program)}") from None
        except subprocess.CalledProcessError:
            raise _damaged(path) from None
    content = path.read_bytes()
    if path.suffix not in _MODULES:
        return content
    try:
        return _MODULES[path.suffix](content)
    except (OSError, EOFError, ValueError, lzma.LZMAError, zlib.error):
        raise _damaged(path) from None


def _damaged(path: Path) -> KernelError:
    return KernelError(f"{path}: damaged, or not a {path.suffix} file")
