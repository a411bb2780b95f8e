"""Compressed files, by the ending of their name."""

from __future__ import annotations

from pathlib import Path

from orchestrator.decompression import SUFFIXES, Damaged, NoProgram, opened
from orchestrator.errors import KernelError
from orchestrator.kernels.programs import failure_reason
from orchestrator.units import format_size


def read(path: Path, most: int) -> bytes:
    """Return the decompressed content of a file; of a file without a known ending the content as it is.

    Raises ``KernelError`` with the path if the file is damaged, has more than ``most`` bytes, which a few bytes may
    decompress to, or the program for it is not installed, and ``OSError`` if it cannot be read.
    """
    if path.suffix not in SUFFIXES:
        with path.open("rb") as plain:
            return _checked(plain.read(most + 1), path, most)
    content = b""
    try:
        with opened(path, path.suffix) as stream:
            while len(content) <= most and (chunk := stream.read(most + 1 - len(content))):
                content += chunk
    except Damaged:
        raise KernelError(f"{path}: damaged, or not a {path.suffix} file") from None
    except NoProgram as error:
        raise KernelError(
            f"{path}: {failure_reason(FileNotFoundError(2, '', error.program), error.program)}"
        ) from None
    return _checked(content, path, most)


def _checked(content: bytes, path: Path, most: int) -> bytes:
    if len(content) > most:
        raise KernelError(f"{path}: larger than {format_size(most)}")
    return content
