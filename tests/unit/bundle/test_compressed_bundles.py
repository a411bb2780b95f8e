"""Bundles that somebody has compressed."""

from __future__ import annotations

import bz2
import gzip
import lzma
import random
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from orchestrator.bundle import archive, checksums, compressed, signature
from orchestrator.bundle.verify import open_bundle, verify
from orchestrator.errors import BadInput


def zstd(content: bytes) -> bytes:
    if shutil.which("zstd") is None:
        pytest.skip("no zstd")
    return subprocess.run(["zstd", "-c"], input=content, capture_output=True, check=True).stdout


COMPRESSORS: dict[str, Callable[[bytes], bytes]] = {
    "gz": gzip.compress,
    "bz2": bz2.compress,
    "xz": lzma.compress,
    "zst": zstd,
}


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    folder = tmp_path / "bundle-1"
    folder.mkdir()
    (folder / "README.md").write_text("read me\n" * 5000)
    (folder / "noise").write_bytes(random.Random(1).randbytes(300_000))
    checksums.write(folder)
    archive.pack(folder, tmp_path / "bundle-1.tar", 0)
    return tmp_path / "bundle-1.tar"


@pytest.fixture(params=COMPRESSORS)
def packed(bundle: Path, request: pytest.FixtureRequest) -> Path:
    path = bundle.with_name(f"{bundle.name}.{request.param}")
    path.write_bytes(COMPRESSORS[request.param](bundle.read_bytes()))
    return path


def test_it_is_verified_and_opened_as_the_archive(bundle: Path, packed: Path) -> None:
    assert verify(packed) == verify(bundle)
    assert verify(packed).damage == ()
    with open_bundle(packed) as folder:
        assert (folder / "README.md").read_text().startswith("read me")


def test_one_that_is_cut_is_damaged(packed: Path) -> None:
    packed.write_bytes(packed.read_bytes()[:-20])
    with pytest.raises(BadInput, match=f"{packed.name}: cannot be decompressed: damaged"):
        verify(packed)


def test_one_with_a_flipped_byte_is_damaged(packed: Path) -> None:
    content = bytearray(packed.read_bytes())
    content[len(content) // 2] ^= 0xFF
    packed.write_bytes(content)
    with pytest.raises(BadInput, match=r"cannot be decompressed: damaged|not a bundle"):
        verify(packed)


def test_the_name_is_not_believed(bundle: Path) -> None:
    plain = bundle.rename(bundle.with_name("bundle.tar.gz"))
    assert verify(plain).damage == ()
    other = bundle.with_name("notes.tar")
    other.write_bytes(gzip.compress(b"x" * 5000))
    with pytest.raises(BadInput, match=r"notes\.tar is not a bundle"):
        verify(other)


def test_what_is_no_archive_is_refused_before_it_takes_room(bundle: Path, packed: Path) -> None:
    compressor = COMPRESSORS[packed.suffix[1:]]
    packed.write_bytes(compressor(bytes(3 << 20)))
    with pytest.raises(BadInput, match="is not a bundle"), compressed.plain(packed, 1 << 20):
        pytest.fail("it was decompressed")


def test_it_takes_no_more_disk_than_its_limit(packed: Path, bundle: Path) -> None:
    with (
        pytest.raises(BadInput, match="decompresses to more than 10KiB"),
        compressed.plain(packed, 10 << 10),
    ):
        pytest.fail("it was decompressed")


def test_its_signature_may_be_that_of_the_archive(bundle: Path, packed: Path) -> None:
    assert signature.find(packed) == bundle.with_name("bundle-1.tar.sig")
    own = packed.with_name(f"{packed.name}.sig")
    own.touch()
    assert signature.find(packed) == own
