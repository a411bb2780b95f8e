"""Compressed files: a few bytes may decompress to more than there is memory."""

from __future__ import annotations

import bz2
import gzip
import lzma
import shutil
import subprocess
from pathlib import Path

import pytest

from orchestrator.errors import KernelError
from orchestrator.kernels import compressed

TEXT = b"line\n" * 1000
MADE = {".gz": gzip.compress, ".bz2": bz2.compress, ".xz": lzma.compress, ".patch": bytes}


@pytest.mark.parametrize("ending", [*MADE, ".zst"])
def test_content_is_bounded(tmp_path: Path, ending: str) -> None:
    file = tmp_path / f"x{ending}"
    if ending == ".zst":
        if shutil.which("zstd") is None:
            pytest.skip("no zstd")
        file.write_bytes(subprocess.run(["zstd", "-c"], input=TEXT, capture_output=True, check=True).stdout)
    else:
        file.write_bytes(MADE[ending](TEXT))
    assert compressed.read(file, len(TEXT)) == TEXT
    with pytest.raises(KernelError, match="larger than 4999B"):
        compressed.read(file, len(TEXT) - 1)


@pytest.mark.parametrize("ending", [".gz", ".bz2", ".xz"])
def test_damage_is_told_from_a_missing_file(tmp_path: Path, ending: str) -> None:
    file = tmp_path / f"x{ending}"
    with pytest.raises(FileNotFoundError):
        compressed.read(file, 10)
    file.write_bytes(MADE[ending](TEXT)[:-9])
    with pytest.raises(KernelError, match="damaged"):
        compressed.read(file, 1 << 20)
