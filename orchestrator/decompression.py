"""Compressed files as streams, by Python's modules or, for rarer formats, by a program."""

from __future__ import annotations

import bz2
import gzip
import lzma
import subprocess
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

_MODULES: Mapping[str, Callable[[Path], Any]] = {
    ".gz": gzip.open,
    ".bz2": bz2.open,
    ".xz": lzma.open,
    ".lzma": lzma.open,
}
_PROGRAMS = {".zst": "zstd", ".lz": "lzip"}
SUFFIXES = (*_MODULES, *_PROGRAMS)


class Damaged(Exception):
    """What is read is not what a compressor has written."""


class NoProgram(Exception):
    """``program``, which decompresses the file, is not installed."""

    def __init__(self, program: str) -> None:
        super().__init__(program)
        self.program = program


class Stream:
    """What a compressed file decompresses to."""

    def __init__(self, stream: IO[bytes], process: subprocess.Popen[bytes] | None = None) -> None:
        self._stream = stream
        self._process = process

    def read(self, size: int) -> bytes:
        """Return at most ``size`` bytes, none at the end. Raises :class:`Damaged`."""
        try:
            content = self._stream.read(size)
        except (OSError, EOFError, ValueError, lzma.LZMAError, zlib.error):
            raise Damaged from None
        if not content and self._process is not None and self._process.wait():
            raise Damaged
        return content


@contextmanager
def opened(path: Path, suffix: str) -> Iterator[Stream]:
    """Open a file that is compressed as its suffix says, one of :data:`SUFFIXES`.

    Raises ``OSError`` if the file cannot be opened, :class:`NoProgram` if there is nothing that decompresses it.
    """
    path.open("rb").close()  # an OSError after this one is damage
    if suffix in _MODULES:
        with _MODULES[suffix](path) as stream:
            yield Stream(stream)
        return
    argv = [_PROGRAMS[suffix], "-dcq", "--", str(path)]
    try:
        process = subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    except FileNotFoundError:
        raise NoProgram(_PROGRAMS[suffix]) from None
    with process:
        assert process.stdout is not None
        try:
            yield Stream(process.stdout, process)
        finally:
            process.kill()
