"""`verify` finds every modified, missing or added byte of a bundle and names its file."""

from __future__ import annotations

import re
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from orchestrator.bundle import archive, checksums
from orchestrator.bundle.layout import SUMS, SUMS_CHECKSUM
from orchestrator.bundle.verify import open_bundle, verify
from orchestrator.errors import BadInput
from tests import calls

LONG = "a-folder-with-a-long-name/" * 4 + "a-file-whose-path-does-not-fit-into-a-hundred-letters.txt"
FILES = {"README.md": b"read me\n", "empty": b"", "run/journal.jsonl": b"{}\n" * 200, LONG: b"x" * 512}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    bundle = tmp_path / "bundle-1"
    for name, content in FILES.items():
        (bundle / name).parent.mkdir(parents=True, exist_ok=True)
        (bundle / name).write_bytes(content)
    (bundle / "README.md").chmod(0o755)
    checksums.write(bundle)
    return bundle


@pytest.fixture
def packed(folder: Path, tmp_path: Path) -> Path:
    archive.pack(folder, tmp_path / "bundle.tar", 1_700_000_000)
    return tmp_path / "bundle.tar"


def owners(packed: Path) -> Iterator[str]:
    """Yield the file that each byte of an archive belongs to; the archive's own name for the zeros at its end."""
    with tarfile.open(packed) as reader:
        members = reader.getmembers()
    end = 0
    for member in members:
        start, end = end, member.offset_data + -(-member.size // 512) * 512
        yield from [member.name.partition("/")[2]] * (end - start)
    yield from [packed.name] * (packed.stat().st_size - end)


def named(path: Path) -> list[str]:
    return [damage.file for damage in verify(path).damage]


def test_verify_names_the_file_of_a_modified_byte_in_an_archive(packed: Path) -> None:
    whole = packed.read_bytes()
    assert named(packed) == []
    for position, owner in enumerate(owners(packed)):
        if owner == packed.name and position % 97:  # a sample of the zeros at the end
            continue
        packed.write_bytes(
            whole[:position] + bytes([whole[position] ^ 1 << position % 8]) + whole[position + 1 :]
        )
        assert named(packed) == [owner], position


def test_verify_names_the_file_of_a_modified_byte_in_a_directory(folder: Path) -> None:
    for name in [*FILES, SUMS, SUMS_CHECKSUM]:
        whole = (folder / name).read_bytes()
        for position in range(len(whole)):
            (folder / name).write_bytes(
                whole[:position] + bytes([whole[position] ^ 1]) + whole[position + 1 :]
            )
            assert named(folder) == [name], position
        (folder / name).write_bytes(whole)


@pytest.mark.parametrize("name", [*FILES, SUMS, SUMS_CHECKSUM])
def test_verify_names_a_missing_file(folder: Path, name: str) -> None:
    (folder / name).unlink()
    assert named(folder) == [name]


def test_verify_names_an_added_file(folder: Path) -> None:
    (folder / "run" / ".hidden").write_text("")
    assert named(folder) == ["run/.hidden"]


def test_verify_names_a_link_that_replaces_a_file(folder: Path) -> None:
    elsewhere = (folder / "README.md").rename(folder.parent / "elsewhere")
    (folder / "README.md").symlink_to(elsewhere)
    assert named(folder) == ["README.md"]


def test_verify_names_every_damaged_file(folder: Path) -> None:
    (folder / "empty").write_text("not empty")
    (folder / "README.md").unlink()
    (folder / "new").write_text("")
    assert named(folder) == ["README.md", "empty", "new"]


def test_a_forged_file_with_a_forged_sum_does_not_match_the_checksum_of_the_sums(folder: Path) -> None:
    checksum = (folder / SUMS_CHECKSUM).read_bytes()
    before = verify(folder).identity
    (folder / "empty").write_text("forged")
    (folder / SUMS).unlink()
    (folder / SUMS_CHECKSUM).unlink()
    assert checksums.write(folder) != before
    (folder / SUMS_CHECKSUM).write_bytes(checksum)
    # `verify --id` detects a forger who also computes this checksum again.
    assert named(folder) == [SUMS_CHECKSUM]


def test_a_truncated_archive_is_reported(packed: Path) -> None:
    whole = packed.read_bytes()
    for length in range(600, len(whole), 997):
        packed.write_bytes(whole[:length])
        problems = [damage.problem for damage in verify(packed).damage]
        assert any("truncated" in problem or problem == "missing" for problem in problems), length
    packed.write_bytes(whole + b"\0" * 512)
    assert named(packed) == [packed.name]


def test_a_cut_archive_is_told_in_one_line_and_every_file_on_request(folder: Path, tmp_path: Path) -> None:
    for number in range(100):
        (folder / f"file-{number:02}").write_text(str(number))
    checksums.write(folder)
    packed = tmp_path / "bundle.tar"
    archive.pack(folder, packed, 1_700_000_000)
    packed.write_bytes(packed.read_bytes()[: packed.stat().st_size // 2])
    done = calls.orchestrate("verify", str(packed))
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert re.match(r"orchestrate: \S+: truncated: .*; \d+ more files missing or damaged", done.stderr)
    all_lines = calls.orchestrate("verify", "-v", str(packed)).stderr.splitlines()
    assert f"; {len(all_lines) - 1} more files " in done.stderr
    assert "orchestrate: file-99: missing" in all_lines
    with pytest.raises(BadInput) as refused, open_bundle(packed):
        pass
    assert len(refused.value.faults) == 1


def test_of_many_modified_files_some_are_named(folder: Path) -> None:
    for number in range(100):
        (folder / f"file-{number:02}").write_text(str(number))
    lines = calls.orchestrate("verify", str(folder)).stderr.splitlines()
    assert (len(lines), lines[-1].startswith("orchestrate: ... and 80 more damaged files")) == (21, True)


def test_two_archives_of_the_same_files_are_identical(folder: Path, packed: Path, tmp_path: Path) -> None:
    (folder / "README.md").touch()
    archive.pack(folder, tmp_path / "again.tar", 1_700_000_000)
    assert (tmp_path / "again.tar").read_bytes() == packed.read_bytes()


def test_an_unpacked_archive_has_the_original_files(packed: Path, folder: Path) -> None:
    with open_bundle(packed) as unpacked:
        assert checksums.list_files(unpacked) == checksums.list_files(folder)
        assert (unpacked / LONG).read_bytes() == FILES[LONG]
        assert (unpacked / "README.md").stat().st_mode & 0o100
        assert not (unpacked / "empty").stat().st_mode & 0o100


@pytest.mark.parametrize("name", ["../outside", "/etc/outside", "bundle-1/../../outside"])
def test_a_member_outside_the_directory_is_refused(tmp_path: Path, name: str) -> None:
    evil = tmp_path / "evil.tar"
    info = tarfile.TarInfo(name)
    evil.write_bytes(info.tobuf(tarfile.USTAR_FORMAT) + bytes(10240 - 512))
    with pytest.raises(BadInput, match="is outside the bundle's directory"), open_bundle(evil):
        pass


def test_a_link_in_an_archive_is_not_unpacked(tmp_path: Path) -> None:
    evil = tmp_path / "evil.tar"
    info = tarfile.TarInfo("bundle-1/link")
    info.type, info.linkname = tarfile.SYMTYPE, "/etc/passwd"
    evil.write_bytes(info.tobuf(tarfile.USTAR_FORMAT) + bytes(10240 - 512))
    with (
        pytest.raises(BadInput, match=r"link: modified header in the archive, at byte"),
        open_bundle(evil),
    ):
        pass


@pytest.mark.parametrize("content", [b"", b"hello", bytes(20480)])
def test_a_file_that_is_not_a_bundle_is_refused_in_one_line(tmp_path: Path, content: bytes) -> None:
    other = tmp_path / "other"
    other.write_bytes(content)
    with pytest.raises(BadInput, match="is not a bundle") as caught:
        verify(other)
    assert len(str(caught.value).splitlines()) == 1


def test_a_directory_that_is_not_a_bundle_and_a_missing_path_are_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="is not a bundle: SHA256SUMS is missing"):
        verify(tmp_path)
    with pytest.raises(BadInput, match=r"nowhere\.tar: No such file or directory"):
        verify(tmp_path / "nowhere.tar")
