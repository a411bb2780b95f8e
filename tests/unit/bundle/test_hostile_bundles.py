"""Bundles that nobody exported: each is refused in a line that names the fault, and nothing outside is read."""

from __future__ import annotations

import hashlib
import io
import os
import tarfile
import tracemalloc
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from orchestrator.bundle import archive, checksums
from orchestrator.bundle.layout import SUMS, SUMS_CHECKSUM
from orchestrator.bundle.verify import open_bundle, verify
from orchestrator.errors import BadInput
from tests import calls

ZEROS = "0" * 64
MALFORMED = [f"{SUMS}: malformed, so nothing can be checked"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    bundle = tmp_path / "bundle-1"
    (bundle / "run").mkdir(parents=True)
    (bundle / "README.md").write_text("read me\n")
    (bundle / "run" / "journal.jsonl").write_text("{}\n")
    checksums.write(bundle)
    return bundle


def sealed(sums: bytes) -> dict[str, bytes]:
    """Return both checksum files, which agree."""
    return {SUMS_CHECKSUM: f"{hashlib.sha256(sums).hexdigest()}  {SUMS}\n".encode(), SUMS: sums}


def packed(path: Path, files: Mapping[str, bytes]) -> Path:
    """Write an archive as `export` does, whatever the names of its files."""
    lines = [f"{hashlib.sha256(files[name]).hexdigest()}  {name}\n" for name in sorted(files)]
    with tarfile.open(path, "w", format=tarfile.USTAR_FORMAT) as archive:
        for name, content in {**sealed("".join(lines).encode()), **dict(sorted(files.items()))}.items():
            info = tarfile.TarInfo(f"bundle-1/{name}")
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return path


def damage(path: Path) -> list[str]:
    return [str(one) for one in verify(path).damage]


def peak(function: Callable[[], object]) -> int:
    """Return the most bytes that Python held while a function ran."""
    tracemalloc.start()
    try:
        function()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_an_archive_as_export_writes_it_is_intact(tmp_path: Path) -> None:
    assert damage(packed(tmp_path / "good.tar", {"a-b": b"1", "a/b": b"2", "a/c/d": b"3", "ab": b"4"})) == []


@pytest.mark.parametrize(
    "names",
    [("a", "a-b", "a/b"), ("a/b", "a/b/c"), (f"{SUMS}/a",), (".",), ("./a",), ("a//b",), ("a/",), ("a\rb",)],
)
def test_files_that_no_directory_can_hold_are_refused(tmp_path: Path, names: tuple[str, ...]) -> None:
    evil = packed(tmp_path / "evil.tar", dict.fromkeys(names, b""))
    assert damage(evil) == MALFORMED
    with pytest.raises(BadInput, match="malformed"), open_bundle(evil):
        pass


@pytest.mark.parametrize(
    "sums",
    [
        b"",
        b"\n",
        b"hello\n",
        b"\xff\n",
        f"{ZEROS}  a".encode(),
        f"{ZEROS} *a\n".encode(),
        f"{'A' * 64}  a\n".encode(),
        f"{ZEROS}  a\n{ZEROS}  a\n".encode(),
        f"{ZEROS}  b\n{ZEROS}  a\n".encode(),
        f"{ZEROS}  ../a\n".encode(),
        f"{ZEROS}  /etc/passwd\n".encode(),
        f"{ZEROS}  a\0\n".encode(),
        f"{ZEROS}  {'a/' * 3000}a\n".encode(),
    ],
)
def test_malformed_checksums_are_not_taken_for_an_intact_bundle(folder: Path, sums: bytes) -> None:
    for name, content in sealed(sums).items():
        (folder / name).write_bytes(content)
    assert damage(folder) == MALFORMED


def loop(path: Path) -> None:
    path.symlink_to(path.name)


@pytest.mark.parametrize("name", ["README.md", SUMS, SUMS_CHECKSUM])
@pytest.mark.parametrize(
    "make",
    [os.mkfifo, os.mkdir, loop, lambda path: path.symlink_to("/dev/zero"), lambda path: path.symlink_to("x")],
    ids=["fifo", "directory", "loop", "device", "dangling"],
)
def test_what_is_no_regular_file_is_not_read(folder: Path, name: str, make: Callable[[Path], None]) -> None:
    (folder / name).unlink()
    make(folder / name)
    assert [one.file for one in verify(folder).damage] == [name]


def test_a_link_is_not_followed_even_to_the_original_content(folder: Path) -> None:
    (folder / SUMS).rename(folder.parent / SUMS)
    (folder / SUMS).symlink_to(folder.parent / SUMS)
    assert [one.file for one in verify(folder).damage] == [SUMS]


@pytest.mark.parametrize("make", [os.mkfifo, loop], ids=["fifo", "loop"])
def test_a_path_that_is_neither_file_nor_directory_is_refused(
    tmp_path: Path, make: Callable[[Path], None]
) -> None:
    make(tmp_path / "bundle.tar")
    with pytest.raises(BadInput, match=r"is not a bundle|Too many levels of symbolic links"):
        verify(tmp_path / "bundle.tar")


def test_a_path_that_is_too_long_is_refused() -> None:
    with pytest.raises(BadInput, match="File name too long"):
        verify(Path("a" * 5000))


@pytest.mark.parametrize("name", [SUMS, SUMS_CHECKSUM])
def test_a_checksum_file_of_a_gigabyte_is_not_held_in_memory(folder: Path, tmp_path: Path, name: str) -> None:
    os.truncate(folder / name, 1 << 30)
    assert peak(lambda: verify(folder)) < 100 << 20
    assert [one.file for one in verify(folder).damage] == [name]
    evil = tmp_path / "evil.tar"
    info = tarfile.TarInfo(f"bundle-1/{name}")
    info.size = 1 << 30
    with evil.open("wb") as stream:
        stream.write(info.tobuf(tarfile.USTAR_FORMAT))
        stream.truncate((1 << 30) + 10240)
    assert peak(lambda: verify(evil)) < 100 << 20


def test_more_files_than_a_bundle_has(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A few MB of a compressed archive can have a million empty files."""
    monkeypatch.setattr(checksums, "MOST_FILES", 3)
    monkeypatch.setattr(archive, "MOST_FILES", 3)
    assert damage(packed(tmp_path / "a.tar", dict.fromkeys("abc", b""))) == []
    with pytest.raises(BadInput, match="not a bundle: the archive has more than 3 files"):
        verify(packed(tmp_path / "b.tar", dict.fromkeys("abcd", b"")))
    for name in "abcd":
        (folder / name).touch()
    with pytest.raises(BadInput, match="bundle-1: too many files for a bundle: "):
        checksums.write(folder)


@pytest.mark.parametrize("size", [1 << 40, -1])
def test_a_size_that_export_cannot_write_is_a_damaged_header(tmp_path: Path, size: int) -> None:
    info = tarfile.TarInfo("bundle-1/a")
    info.size = size
    (tmp_path / "evil.tar").write_bytes(info.tobuf(tarfile.GNU_FORMAT) + bytes(10240 - 512))
    assert f"{SUMS_CHECKSUM}: damaged header in the archive, at byte 0" in damage(tmp_path / "evil.tar")


@pytest.mark.parametrize("name", [b"a\nb", b"\x1b[2J", b"a\xffb"])
def test_a_name_is_told_in_one_line(folder: Path, name: bytes) -> None:
    (folder / os.fsdecode(name)).write_text("")
    (added,) = damage(folder)
    assert added == f"{os.fsdecode(name)!r}: not part of the bundle"
    done = calls.orchestrate("verify", str(folder))
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    (folder / SUMS).write_text("forged\n")
    assert damage(folder) == [f"{SUMS}: modified, so nothing else can be checked"]


def test_a_directory_that_is_too_deep_is_refused(folder: Path) -> None:
    here = os.open(folder, os.O_RDONLY)
    for _ in range(25):
        os.mkdir("d" * 200, dir_fd=here)
        below = os.open("d" * 200, os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = below
    os.close(here)
    with pytest.raises(BadInput, match=r"/d{200}: File name too long"):
        verify(folder)
